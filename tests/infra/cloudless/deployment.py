"""Deployments of a stack on a local AWS server."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cloudless.engine import Engine, Resource
from cloudless.provider import LocalProvider
from cloudless.run import run_program
from cloudless.server import Aws

ROOT = Path(__file__).resolve().parents[3]

STACK = "production"

#: An image digest of the right form.
DIGEST = "sha256:" + "1" * 64


def stack_defaults(root: Path = ROOT, stack: str = STACK) -> dict[str, str]:
    """The configuration that the repository keeps for a stack, as the CLI passes it on."""
    given = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text())["config"]
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}


@dataclass
class Deployment:
    """A stack on a server, and what the last run of the program left there."""

    aws: Aws
    #: Repository that holds ``infra_pulumi``.
    root: Path = ROOT
    #: Resources of the last run by URN.
    resources: Mapping[str, Resource] = field(default_factory=dict)
    last: Engine | None = None
    #: IAM actions that its runs needed.
    asked: set[str] = field(default_factory=set)
    stack: str = STACK

    def up(
        self, config: Mapping[str, str], secrets: Mapping[str, str] | None = None, *, preview: bool = False
    ) -> Engine:
        """Run the program once, on top of what the runs before left."""
        project = yaml.safe_load((self.root / "Pulumi.yaml").read_text())
        engine = Engine(project["name"], self.stack, LocalProvider(self.aws), self.resources, preview=preview)
        given = {**config, **(secrets or {})}
        self.aws.actions.clear()
        run_program(self.root / project["main"], engine, given, list(secrets or {}))
        self.asked |= self.aws.actions
        if not preview:
            self.resources, self.last = engine.resources, engine
        return engine

    def of(self, kind: str) -> Iterator[Resource]:
        """Resources whose type ends in ``kind``."""
        return (resource for resource in self.resources.values() if resource.type.endswith(f":{kind}"))

    def one(self, kind: str) -> Resource:
        """The only resource of a type."""
        (found,) = self.of(kind)
        return found


def network(aws: Aws) -> list[str]:
    """A VPC with two subnets, such as an operator has; returns the subnets' ids."""
    vpc = aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zones = (("10.0.0.0/24", f"{aws.region}a"), ("10.0.1.0/24", f"{aws.region}b"))
    made: list[Any] = [
        aws("ec2").create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]
        for block, zone in zones
    ]
    return sorted(subnet["SubnetId"] for subnet in made)


def production_config(aws: Aws) -> dict[str, str]:
    """The repository's defaults and what an operator adds to them."""
    return {
        **stack_defaults(),
        "filot:alarm-emails": '["ops@example.com"]',
        "filot:image-digest": DIGEST,
        "filot:subnet-ids": json.dumps(network(aws)),
    }
