"""Checks everything that a worker needs. Writes nothing but short-lived keys of its own in Redis."""
