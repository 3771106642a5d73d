"""Pulumi without its CLI and AWS without an account: an engine in this process, a provider on a local server."""
