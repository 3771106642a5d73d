"""In-process Pulumi engine, AWS provider on a local server, and evaluation of alarms, for tests."""
