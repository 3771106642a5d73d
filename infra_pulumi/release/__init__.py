"""Commands behind ``make``: build, push, deploy, secrets, cost. `python -m infra_pulumi.release COMMAND`."""
