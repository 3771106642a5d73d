"""The task definition and the ECS service that keeps it running."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra_pulumi.component import Component, DependsOn
from infra_pulumi.instance_types import TaskSize
from infra_pulumi.names import Names
from infra_pulumi.task import WORK_VOLUME, ContainerArgs, container_definition, placement

#: How long an update waits for the service to be steady: docs/infrastructure.md has the arithmetic.
DEPLOYMENT_TIMEOUT = "45m"


@dataclass(frozen=True, slots=True)
class OnInstances:
    """GPU instances of the cluster."""

    types: tuple[str, ...]
    #: None: the cluster's own instances.
    capacity_provider: pulumi.Input[str] | None


@dataclass(frozen=True, slots=True)
class OnFargate:
    """Fargate, in these subnets."""

    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]
    assign_public_ip: bool
    on_demand_base: int
    spot_percent: int


@dataclass(frozen=True, slots=True)
class WorkerServiceArgs:
    """Arguments of ``WorkerService``."""

    names: Names
    #: ``repository@sha256:...``
    image: pulumi.Input[str]
    log_group: pulumi.Input[str]
    region: str
    size: TaskSize
    secret_arns: Mapping[str, pulumi.Input[str]]
    environment: Mapping[str, str]
    execution_role_arn: pulumi.Input[str]
    task_role_arn: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    runs_on: OnInstances | OnFargate
    desired_count: int
    #: Start new tasks before old ones stop.
    surge: bool
    #: Alarms that undo a deployment.
    deployment_alarms: Sequence[pulumi.Input[str]]
    debug: bool
    #: What must be complete before a task can start.
    needs: DependsOn


class WorkerService(Component):
    """The service; a deployment that does not become healthy, or raises an alarm, is rolled back."""

    def __init__(
        self, name: str, args: WorkerServiceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("WorkerService", name, opts)
        task = self._task(args)
        service = aws.ecs.Service(
            self.child_name("service"),
            name=args.names.worker,
            cluster=args.cluster_arn,
            task_definition=task.arn,
            desired_count=args.desired_count,
            deployment_minimum_healthy_percent=100 if args.surge else 0,
            deployment_maximum_percent=200 if args.surge else 100,
            # Rebalancing replaces tasks one by one, each with a surge of its own.
            availability_zone_rebalancing="DISABLED",
            deployment_circuit_breaker={"enable": True, "rollback": True},
            alarms={"alarm_names": list(args.deployment_alarms), "enable": True, "rollback": True},
            wait_for_steady_state=True,
            enable_execute_command=args.debug,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            **_where(args.runs_on),
            opts=self.child(
                "service",
                depends_on=args.needs,
                # After the first start, autoscaling sets the desired count.
                ignore_changes=["desiredCount"],
                custom_timeouts=pulumi.CustomTimeouts(create=DEPLOYMENT_TIMEOUT, update=DEPLOYMENT_TIMEOUT),
            ),
        )
        self.service_name, self.arn = service.name, service.arn
        self.register_outputs({"arn": service.arn, "taskDefinitionArn": task.arn})

    def _task(self, args: WorkerServiceArgs) -> aws.ecs.TaskDefinition:
        container = pulumi.Output.all(
            image=args.image,
            log_group=args.log_group,
            secrets=pulumi.Output.from_input(dict(args.secret_arns)),
        ).apply(
            lambda known: container_definition(
                ContainerArgs(
                    **known,
                    region=args.region,
                    size=args.size,
                    environment=args.environment,
                    gpu=isinstance(args.runs_on, OnInstances),
                    debug=args.debug,
                )
            )
        )
        return aws.ecs.TaskDefinition(
            self.child_name("task"),
            family=args.names.worker,
            cpu=str(args.size.cpu),
            memory=str(args.size.memory),
            execution_role_arn=args.execution_role_arn,
            task_role_arn=args.task_role_arn,
            container_definitions=pulumi.Output.json_dumps([container]),
            # Old revisions stay for roll-backs.
            skip_destroy=True,
            **_task_platform(args.runs_on),
            opts=self.child("task"),
        )


def _task_platform(runs_on: OnInstances | OnFargate) -> dict[str, Any]:
    if isinstance(runs_on, OnInstances):
        return {
            "network_mode": "bridge",
            "requires_compatibilities": ["EC2"],
            "placement_constraints": [{"type": "memberOf", "expression": placement(runs_on.types)}],
        }
    return {
        "network_mode": "awsvpc",
        "requires_compatibilities": ["FARGATE"],
        "runtime_platform": {"cpu_architecture": "X86_64", "operating_system_family": "LINUX"},
        "volumes": [{"name": WORK_VOLUME}],
    }


def _where(runs_on: OnInstances | OnFargate) -> dict[str, Any]:
    """Arguments of the service that say where its tasks run: ECS refuses a launch type next to a strategy."""
    if isinstance(runs_on, OnInstances):
        if runs_on.capacity_provider is None:
            return {"launch_type": "EC2"}
        return {
            "capacity_provider_strategies": [
                {"capacity_provider": runs_on.capacity_provider, "base": 0, "weight": 1}
            ]
        }
    strategies = [
        {
            "capacity_provider": "FARGATE",
            "base": runs_on.on_demand_base,
            "weight": 100 - runs_on.spot_percent,
        }
    ]
    if runs_on.spot_percent:
        strategies.append({"capacity_provider": "FARGATE_SPOT", "base": 0, "weight": runs_on.spot_percent})
    return {
        "capacity_provider_strategies": strategies,
        "network_configuration": {
            "subnets": list(runs_on.subnet_ids),
            "security_groups": list(runs_on.security_group_ids),
            "assign_public_ip": runs_on.assign_public_ip,
        },
    }
