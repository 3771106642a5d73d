"""Who may do what: ECS while it starts the task, the worker while it runs, the GPU instances."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.adoption import adopting
from infra_pulumi.config import Adoption
from infra_pulumi.names import EXECUTION_POLICY, EXECUTION_ROLE, TASK_ROLE
from infra_pulumi.ordering import after


@dataclass(frozen=True, slots=True)
class TaskRolesArgs:
    """What the roles of the task need to know."""

    account_id: pulumi.Output[str]
    cluster_arn: pulumi.Output[str]
    #: Secrets that ECS reads when it starts the task, and no others.
    secret_arns: Mapping[str, pulumi.Output[str]]
    execution_role: Adoption
    task_role: Adoption


@dataclass(frozen=True, slots=True)
class _Role:
    name: pulumi.Output[str]
    arn: pulumi.Output[str]


class TaskRoles(pulumi.ComponentResource):
    """The role that ECS takes on to start the task, and the role that the worker has while it runs."""

    def __init__(self, name: str, args: TaskRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("filot:infra:TaskRoles", name, None, opts)
        trust = args.account_id.apply(_trust_in_tasks)
        child = pulumi.ResourceOptions(parent=self)
        execution = self._role(EXECUTION_ROLE, args.execution_role, trust)
        task = self._role(TASK_ROLE, args.task_role, trust)
        reading = aws.iam.RolePolicy(
            "read-secrets",
            name="filot-ocr-worker-secrets",
            role=execution.name,
            policy=pulumi.Output.all(*args.secret_arns.values()).apply(_reading),
            opts=child,
        )
        granted = [reading.id]
        if args.execution_role != "lookup":
            # A role that is only looked up belongs to others, who attached what they want.
            attachment = aws.iam.RolePolicyAttachment(
                "start-tasks", role=execution.name, policy_arn=EXECUTION_POLICY, opts=child
            )
            granted.append(attachment.id)
        protecting = aws.iam.RolePolicy(
            "protect-tasks",
            name="filot-ocr-worker-task-protection",
            role=task.name,
            policy=args.cluster_arn.apply(_protecting),
            opts=child,
        )
        #: Known once the role can do its work, so that no task starts before.
        self.execution_role_arn = after(execution.arn, *granted)
        self.task_role_arn = after(task.arn, protecting.id)
        self.register_outputs(
            {"executionRoleArn": self.execution_role_arn, "taskRoleArn": self.task_role_arn}
        )

    def _role(self, name: str, existing: Adoption, trust: pulumi.Output[str]) -> _Role:
        if existing == "lookup":
            found = aws.iam.get_role_output(name=name, opts=pulumi.InvokeOutputOptions(parent=self))
            return _Role(found.name, found.arn)
        role = aws.iam.Role(
            name,
            name=name,
            assume_role_policy=trust,
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=self), adopting(existing, name)),
        )
        return _Role(role.name, role.arn)


def policy(*statements: Mapping[str, object]) -> str:
    """An IAM policy document of these statements, each an Allow."""
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}
    )


def _trust_in_tasks(account_id: str) -> str:
    return policy(
        {
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            # Without it, ECS could be talked into using the role for another account's task.
            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
        }
    )


def _reading(secret_arns: Sequence[str]) -> str:
    return policy({"Action": "secretsmanager:GetSecretValue", "Resource": sorted(secret_arns)})


def _protecting(cluster_arn: str) -> str:
    """The worker asks ECS not to stop its task while a document is being read; that is all it asks of AWS."""
    tasks = cluster_arn.replace(":cluster/", ":task/") + "/*"
    return policy({"Action": ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"], "Resource": tasks})
