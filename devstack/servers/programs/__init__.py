"""Programs that run by their path in processes of their own, with the standard library alone."""
