"""Pulumi program of the worker's AWS resources: network, instances, service, scaling and alarms."""
