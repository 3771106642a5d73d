"""What ``make`` runs to build, ship and deploy the worker: `python -m infra_pulumi.release COMMAND`."""
