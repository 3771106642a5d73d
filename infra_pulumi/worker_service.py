"""The task definition and the service that keeps it running."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.names import WORKER
from infra_pulumi.task import CPU, MEMORY, PLACEMENT, ContainerArgs, container_definition


@dataclass(frozen=True, slots=True)
class WorkerServiceArgs:
    """What the service needs to know."""

    #: ``repository@sha256:...``
    image: pulumi.Output[str]
    log_group: pulumi.Output[str]
    region: str
    secret_arns: Mapping[str, pulumi.Output[str]]
    environment: Mapping[str, str]
    execution_role_arn: pulumi.Output[str]
    task_role_arn: pulumi.Output[str]
    cluster_arn: pulumi.Output[str]
    #: The capacity provider that finds room; None: the cluster's own instances.
    capacity_provider: pulumi.Output[str] | None
    desired_count: int


class WorkerService(pulumi.ComponentResource):
    """One task per GPU, replaced in place: the old one stops before the new one starts."""

    def __init__(
        self, name: str, args: WorkerServiceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("filot:infra:WorkerService", name, None, opts)
        task = self._task(args)
        strategies: list[aws.ecs.ServiceCapacityProviderStrategyArgsDict] | None = None
        if args.capacity_provider is not None:
            strategies = [{"capacity_provider": args.capacity_provider, "base": 0, "weight": 1}]
        service = aws.ecs.Service(
            "service",
            name=WORKER,
            cluster=args.cluster_arn,
            task_definition=task.arn,
            desired_count=args.desired_count,
            capacity_provider_strategies=strategies,
            # ECS refuses a launch type next to a strategy.
            launch_type=None if strategies else "EC2",
            # An instance has one GPU: a new task can start only when the old one has let go of it.
            deployment_minimum_healthy_percent=0,
            deployment_maximum_percent=100,
            availability_zone_rebalancing="DISABLED",
            deployment_circuit_breaker={"enable": True, "rollback": True},
            wait_for_steady_state=True,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            # After the first start the autoscaler decides how many there are.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["desiredCount"]),
        )
        self.name = service.name
        self.arn = service.arn
        self.register_outputs({"arn": service.arn, "taskDefinitionArn": task.arn})

    def _task(self, args: WorkerServiceArgs) -> aws.ecs.TaskDefinition:
        container = pulumi.Output.all(
            image=args.image,
            log_group=args.log_group,
            secrets=pulumi.Output.from_input(dict(args.secret_arns)),
        ).apply(
            lambda known: container_definition(
                ContainerArgs(**known, region=args.region, environment=args.environment)
            )
        )
        return aws.ecs.TaskDefinition(
            "task",
            family=WORKER,
            cpu=str(CPU),
            memory=str(MEMORY),
            network_mode="bridge",
            requires_compatibilities=["EC2"],
            placement_constraints=[{"type": "memberOf", "expression": PLACEMENT}],
            execution_role_arn=args.execution_role_arn,
            task_role_arn=args.task_role_arn,
            container_definitions=pulumi.Output.json_dumps([container]),
            # Old revisions stay for roll-backs.
            skip_destroy=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
