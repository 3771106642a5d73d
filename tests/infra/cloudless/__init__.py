"""Pulumi without its CLI and AWS without an account: an engine here, a provider on a local server."""
