"""Real servers from Python packages: Redis (Valkey), PostgreSQL, S3, and a review service."""

from devstack.servers.stack import FilotStack, filot_stack, serve_until_interrupted
from devstack.servers.tables import create_filot_tables

__all__ = ["FilotStack", "create_filot_tables", "filot_stack", "serve_until_interrupted"]
