"""The AWS side of the worker: registry, secrets, roles, GPU instances, service, scaling and alarms."""
