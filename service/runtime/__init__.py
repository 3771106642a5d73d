"""The worker process: its parts, its actors, and what runs beside them."""
