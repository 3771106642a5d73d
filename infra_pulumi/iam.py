"""IAM roles of the task: the one that ECS starts it with, and the one of the running worker."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.adoption import adopting
from infra_pulumi.component import Component
from infra_pulumi.config import Adoption
from infra_pulumi.names import EXECUTION_POLICY, Names

#: What ``aws ecs execute-command`` needs inside the task; AWS defines no resources for these actions.
EXEC_ACTIONS = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)


@dataclass(frozen=True, slots=True)
class TaskRolesArgs:
    """Arguments of ``TaskRoles``."""

    names: Names
    account_id: pulumi.Input[str]
    #: Secrets that ECS reads when it starts the task, and no others.
    secret_arns: Mapping[str, pulumi.Input[str]]
    #: Name of the execution role; None: a role of this stack's own.
    execution_role: str | None
    existing_execution_role: Adoption
    existing_task_role: Adoption
    #: Allow ``aws ecs execute-command``.
    debug: bool


@dataclass(frozen=True, slots=True)
class _Role:
    name: pulumi.Output[str]
    arn: pulumi.Output[str]


class TaskRoles(Component):
    """Execution role and task role. The running worker calls no AWS API, so its role has no policy."""

    def __init__(self, name: str, args: TaskRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("TaskRoles", name, opts)
        trust = pulumi.Output.from_input(args.account_id).apply(_trust_in_tasks)
        execution = self._role(
            "execution-role",
            args.execution_role or args.names.execution_role,
            args.existing_execution_role,
            trust,
        )
        task = self._role("task-role", args.names.task_role, args.existing_task_role, trust)
        aws.iam.RolePolicy(
            self.child_name("read-secrets"),
            name=args.names.secrets_policy,
            role=execution.name,
            policy=pulumi.Output.all(*args.secret_arns.values()).apply(_reading),
            opts=self.child("read-secrets"),
        )
        if args.existing_execution_role == "lookup":
            pulumi.log.warn(
                f"Role {args.execution_role} is shared: whoever may start tasks with it can read the "
                "worker's secrets. Unset filot:execution-role for a role of the service's own."
            )
        else:
            # The owner of a looked-up role attaches policies to it.
            aws.iam.RolePolicyAttachment(
                self.child_name("start-tasks"),
                role=execution.name,
                policy_arn=EXECUTION_POLICY,
                opts=self.child("start-tasks"),
            )
        if args.debug:
            aws.iam.RolePolicy(
                self.child_name("execute-command"),
                name=f"{args.names.worker}-execute-command",
                role=task.name,
                policy=policy({"Action": list(EXEC_ACTIONS), "Resource": "*"}),
                opts=self.child("execute-command"),
            )
        self.execution_role_arn, self.task_role_arn = execution.arn, task.arn
        self.register_outputs(
            {"executionRoleArn": self.execution_role_arn, "taskRoleArn": self.task_role_arn}
        )

    def _role(self, role: str, name: str, existing: Adoption, trust: pulumi.Output[str]) -> _Role:
        if existing == "lookup":
            found = aws.iam.get_role_output(name=name, opts=self.invoke_opts())
            return _Role(found.name, found.arn)
        made = aws.iam.Role(
            self.child_name(role),
            name=name,
            assume_role_policy=trust,
            opts=pulumi.ResourceOptions.merge(self.child(name), adopting(existing, name)),
        )
        return _Role(made.name, made.arn)


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
