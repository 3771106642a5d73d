"""docs/infrastructure-deployer.json lets its holder make the stack, and not much more."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from cloudless.deployment import ROOT, Deployment

from infra_pulumi.deployer import as_text, deployer_policy
from infra_pulumi.names import Names

PRODUCTION = Names("production")
WORKER = PRODUCTION.worker
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
        "filot-ecs-execution-role",
        "filot-ecs-gpu-instance-role",
        "filot-ecs-task-role",
        "filot-ocr-patch-role",
    }
    conditional = [
        s for s in STATEMENTS if {"iam:AttachRolePolicy", "iam:PassRole"} & set(listed(s["Action"]))
    ]
    assert len(conditional) == 2
    assert all(statement["Condition"] for statement in conditional)


def test_policy_fits_into_a_managed_policy() -> None:
    assert len(re.sub(r"\s", "", TEXT)) <= 6144


def test_policy_in_the_docs_is_the_programs() -> None:
    made = deployer_policy(
        PRODUCTION, cluster=PRODUCTION.cluster, execution_role=PRODUCTION.execution_role, vpc=False
    )

    assert as_text(made) == TEXT


def test_policy_of_another_stack_reaches_nothing_of_productions() -> None:
    staging = Names("staging")
    made = deployer_policy(staging, cluster=staging.cluster, execution_role=staging.execution_role, vpc=True)

    named = [
        resource
        for statement in made["Statement"]
        for resource in listed(statement["Resource"])
        if "filot" in resource
    ]
    assert named
    assert all("staging" in resource for resource in named)
    # An inline policy of a role may have 10,240 characters.
    assert len(json.dumps(made)) <= 10_240
