"""Logging, metric instruments and tracing."""
