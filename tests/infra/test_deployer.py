"""docs/infrastructure-deployer.json lets its holder make the stack, and not much more."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from cloudless.deployment import ROOT, Deployment

from infra_pulumi.names import WORKER

TEXT = (ROOT / "docs" / "infrastructure-deployer.json").read_text()
STATEMENTS: list[dict[str, Any]] = json.loads(TEXT)["Statement"]

#: IAM lets everybody ask who they are.
FREE = {"sts:GetCallerIdentity"}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def allowing(action: str) -> Iterator[str]:
    """The resources on which an action is allowed."""
    for statement in STATEMENTS:
        if any(fnmatchcase(action, pattern) for pattern in listed(statement["Action"])):
            yield from listed(statement["Resource"])


def test_deployer_may_make_the_stack(production: Deployment) -> None:
    asked = production.asked - FREE
    made = {str(resource.outputs.get("arn", "")) for resource in production.resources.values()} - {""}

    assert asked >= {"autoscaling:CreateAutoScalingGroup", "ecs:CreateService", "iam:CreateRole"}
    assert [action for action in sorted(asked) if not list(allowing(action))] == []
    assert [arn for arn in sorted(made) if not reachable(arn)] == []


def test_deployer_may_watch_own_instances_and_write_secrets() -> None:
    for action in ("events:PutRule", "events:PutTargets"):
        assert any(name.endswith(f":rule/{WORKER}-instances-short") for name in allowing(action))
    assert any(name.endswith(":secret:filot/*") for name in allowing("secretsmanager:PutSecretValue"))


def reachable(arn: str) -> bool:
    """Whether a statement names what the ARN is of, or IAM ties its actions to no name."""
    if arn.split(":")[2] == "ec2" or ":scalingPolicy:" in arn:
        return True
    names = {name for statement in STATEMENTS for name in listed(statement["Resource"])} - {"*"}
    return any(fnmatchcase(arn, name) for name in names)


def test_deployer_may_give_roles_only_what_the_stack_gives_them() -> None:
    on_everything = [
        action
        for statement in STATEMENTS
        if statement["Resource"] == "*"
        for action in listed(statement["Action"])
    ]
    roles = {
        name for action in ("iam:CreateRole", "iam:PassRole") for name in allowing(action) if ":role/" in name
    }

    assert not [action for action in on_everything if action.startswith("iam:") or action.endswith(":*")]
    assert {name.rpartition("/")[2] for name in roles} == {
        "ecsTaskExecutionRole",
        "filot-ecs-gpu-instance-role",
        "filot-ecs-task-role",
    }
    conditional = [
        s for s in STATEMENTS if {"iam:AttachRolePolicy", "iam:PassRole"} & set(listed(s["Action"]))
    ]
    assert len(conditional) == 2
    assert all(statement["Condition"] for statement in conditional)


def test_policy_is_as_short_as_iam_wants_it() -> None:
    assert len(re.sub(r"\s", "", TEXT)) <= 6144
