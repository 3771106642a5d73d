"""Health, heartbeat, metrics, the status of the pipeline, and what the operator sees of them."""
