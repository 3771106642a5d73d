"""PostgreSQL, object storage and delivery: rows, outbox, published results, review requests."""
