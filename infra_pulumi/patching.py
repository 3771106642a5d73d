"""Moves the workers that always run to fresh instances, so that these get a patched system."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.component import Component
from infra_pulumi.iam import policy
from infra_pulumi.names import Names


@dataclass(frozen=True, slots=True)
class PatchingArgs:
    """Arguments of ``Patching``."""

    names: Names
    account_id: pulumi.Input[str]
    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]
    service_arn: pulumi.Input[str]
    #: Days between two new deployments.
    days: int


class Patching(Component):
    """A schedule that starts a new deployment of the running task definition.

    The group's maximum instance lifetime alone never ends an instance with a task: the capacity provider
    protects it. A deployment with surge starts the new task on another instance, which boots the newest AMI,
    and leaves an old one without a task, which the capacity provider ends.
    """

    def __init__(self, name: str, args: PatchingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Patching", name, opts)
        role = aws.iam.Role(
            self.child_name("role"),
            name=args.names.patch_role,
            assume_role_policy=pulumi.Output.from_input(args.account_id).apply(_trust),
            opts=self.child("role"),
        )
        allowed = aws.iam.RolePolicy(
            self.child_name("deploy-again"),
            name=args.names.patch_role,
            role=role.name,
            policy=pulumi.Output.from_input(args.service_arn).apply(
                lambda arn: policy({"Action": "ecs:UpdateService", "Resource": arn})
            ),
            opts=self.child("deploy-again"),
        )
        aws.scheduler.Schedule(
            self.child_name("schedule"),
            name=f"{args.names.worker}-patch",
            description="Moves a worker to an instance with the newest AMI",
            schedule_expression=f"rate({args.days} days)" if args.days > 1 else "rate(1 day)",
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": "arn:aws:scheduler:::aws-sdk:ecs:updateService",
                "role_arn": role.arn,
                "input": pulumi.Output.all(args.cluster_name, args.service_name).apply(
                    lambda both: json.dumps(
                        {"Cluster": both[0], "Service": both[1], "ForceNewDeployment": True}
                    )
                ),
            },
            opts=self.child("schedule", depends_on=[allowed]),
        )
        self.register_outputs({})


def _trust(account_id: str) -> str:
    return policy(
        {
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
        }
    )
