"""FiLot's Redis list as a Dramatiq queue: fetch, lease, retry, finish."""
