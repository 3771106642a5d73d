"""Scripts that derive shipped data: run by make, never imported by the service."""
