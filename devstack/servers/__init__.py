"""Real servers out of wheels, for the demo, the tests and developers: Redis, PostgreSQL, S3, reviews."""

from devstack.servers.stack import FilotStack, filot_stack, serve_until_interrupted
from devstack.servers.tables import create_filot_tables

__all__ = ["FilotStack", "create_filot_tables", "filot_stack", "serve_until_interrupted"]
