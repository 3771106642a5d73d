"""The stack: reads the configuration and connects the components."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.alarm_topic import AlarmTopic, AlarmTopicArgs
from infra_pulumi.alarms import Alarms, AlarmsArgs, DeploymentAlarms, DeploymentAlarmsArgs
from infra_pulumi.capacity import FargateCapacity, FargateCapacityArgs, GpuCapacity, GpuCapacityArgs
from infra_pulumi.cluster import Cluster, ClusterArgs
from infra_pulumi.component import Component
from infra_pulumi.config import StackConfig
from infra_pulumi.deploy_role import DeployRoles, DeployRolesArgs
from infra_pulumi.environment import SECRETS, plain_variables
from infra_pulumi.iam import TaskRoles, TaskRolesArgs
from infra_pulumi.names import Names
from infra_pulumi.network import Firewall, FirewallArgs, Network, NetworkArgs
from infra_pulumi.observability import Dashboard, DashboardArgs, Logs, LogsArgs
from infra_pulumi.patching import Patching, PatchingArgs
from infra_pulumi.registry import Registry, RegistryArgs
from infra_pulumi.scaling import Scaling, ScalingArgs
from infra_pulumi.secret_store import SecretStore, SecretStoreArgs
from infra_pulumi.stack_config import provider_settings, read_config
from infra_pulumi.worker_service import OnFargate, OnInstances, WorkerService, WorkerServiceArgs


def build() -> None:
    """Declare every resource of the stack.

    Raises:
        pulumi.RunError: the configuration or the stack's name cannot be used.
    """
    config = read_config()
    try:
        names = Names(pulumi.get_stack())
    except ValueError as error:
        raise pulumi.RunError(str(error)) from error
    settings = provider_settings()
    tags = {
        "Environment": names.stack,
        "ManagedBy": "Pulumi",
        "Project": "FiLot",
        "Service": names.worker,
    }
    provider = aws.Provider(
        "aws",
        allowed_account_ids=[config.account_id] if config.account_id else None,
        default_tags={"tags": tags},
        **settings,
    )
    account_id = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(provider=provider)).account_id
    shared = _Shared(config, names, settings["region"], tags, account_id, provider)
    foundation = _foundation(shared)
    if config.image_digest is None:
        pulumi.log.info("filot:image-digest is not set: the service comes with the first `make deploy`.")
        return
    if not config.alarm_emails:
        pulumi.log.warn("filot:alarm-emails is empty: alarms reach only those who subscribe to the topic.")
    _service(shared, foundation)


@dataclass(frozen=True, slots=True)
class _Shared:
    """Context of all components."""

    config: StackConfig
    names: Names
    region: str
    tags: Mapping[str, str]
    account_id: pulumi.Output[str]
    provider: aws.Provider

    @property
    def gpu(self) -> bool:
        return self.config.compute == "gpu"

    @property
    def opts(self) -> pulumi.ResourceOptions:
        """Options of the components: the stack's own provider."""
        return pulumi.ResourceOptions(providers=[self.provider])


@dataclass(frozen=True, slots=True)
class _Foundation:
    """All components except the service and its monitoring."""

    registry: Registry
    logs: Logs
    secrets: SecretStore
    cluster: Cluster
    roles: TaskRoles
    runs_on: OnInstances | OnFargate
    #: Components that must be complete before a task can start.
    needs: list[Component]


def _foundation(shared: _Shared) -> _Foundation:
    config, names, opts = shared.config, shared.names, shared.opts
    registry = Registry("registry", RegistryArgs(names.worker, config.existing.repository), opts)
    logs = Logs("logs", LogsArgs(names, config.existing.log_group, config.log_days), opts)
    used = [secret for secret in SECRETS if secret.key not in config.without_secrets]
    secrets = SecretStore(
        "secrets", SecretStoreArgs(names, used, config.existing.secrets, config.secret_version), opts
    )
    cluster = Cluster("cluster", ClusterArgs(_cluster_name(shared), config.existing.cluster), opts)
    roles = TaskRoles(
        "roles",
        TaskRolesArgs(
            names=names,
            account_id=shared.account_id,
            secret_arns=secrets.arns,
            execution_role=config.execution_role,
            existing_execution_role=config.existing.execution_role,
            existing_task_role=config.existing.task_role,
            debug=config.debug,
        ),
        opts,
    )
    if config.deploy_from is not None:
        deploy_roles = _deploy_roles(shared, config.deploy_from)
        pulumi.export("deploy-roles", deploy_roles.arns)
    runs_on, capacity = _capacity(shared, cluster)
    pulumi.export("account-id", shared.account_id)
    pulumi.export("capacity", _capacity_kind(config))
    pulumi.export("cluster", cluster.name)
    pulumi.export("log-group", logs.group_name)
    pulumi.export("repository-url", registry.repository_url)
    pulumi.export("secret-arns", secrets.arns)
    return _Foundation(registry, logs, secrets, cluster, roles, runs_on, [secrets, roles, logs, *capacity])


def _cluster_name(shared: _Shared) -> str:
    return shared.config.cluster or shared.names.cluster


def _capacity_kind(config: StackConfig) -> str:
    """Kind of capacity, an output: `make up` refuses to change it under a living service."""
    return "fargate" if config.compute == "cpu" else config.capacity


def _deploy_roles(shared: _Shared, repository: str) -> DeployRoles:
    config = shared.config
    return DeployRoles(
        "deployment",
        DeployRolesArgs(
            names=shared.names,
            account_id=shared.account_id,
            repository=repository,
            existing_provider=config.existing.github_oidc,
            cluster=_cluster_name(shared),
            execution_role=config.execution_role or shared.names.execution_role,
            vpc=config.vpc == "made",
        ),
        shared.opts,
    )


def _capacity(shared: _Shared, cluster: Cluster) -> tuple[OnInstances | OnFargate, list[Component]]:
    config, names = shared.config, shared.names
    if shared.gpu and config.capacity == "own":
        return OnInstances(config.instance_types, None), []
    subnets, vpc_id, network = _network(shared)
    firewall = Firewall(
        "firewall",
        FirewallArgs(
            group_name=names.capacity,
            description="GPU instances of the OCR worker: nothing comes in"
            if shared.gpu
            else "Tasks of the OCR worker: nothing comes in",
            vpc_id=vpc_id,
            egress_ports=config.egress_ports,
        ),
        shared.opts,
    )
    groups: list[pulumi.Input[str]] = [firewall.group_id, *sorted(config.security_group_ids)]
    if not shared.gpu:
        fargate = FargateCapacity(
            "capacity", FargateCapacityArgs(cluster.name, config.other_capacity_providers), shared.opts
        )
        where = OnFargate(
            subnets, groups, config.assign_public_ip, config.on_demand_base, config.spot_percent
        )
        return where, [fargate, *network]
    instances = GpuCapacity(
        "capacity",
        GpuCapacityArgs(
            names=names,
            cluster_name=cluster.name,
            subnet_ids=subnets,
            security_group_ids=groups,
            instance_types=config.instance_types,
            ami_id=config.ami_id,
            max_instances=config.max_instances,
            max_instance_days=config.max_instance_days,
            on_demand_base=config.on_demand_base,
            spot_percent=config.spot_percent,
            other_providers=config.other_capacity_providers,
            debug=config.debug,
            tags=shared.tags,
        ),
        shared.opts,
    )
    return OnInstances(config.instance_types, instances.provider_name), [instances, *network]


def _network(shared: _Shared) -> tuple[list[pulumi.Input[str]], pulumi.Input[str], list[Component]]:
    """Subnets and VPC of the workers, and the component that makes them."""
    config = shared.config
    if config.vpc == "made":
        network = Network(
            "network",
            NetworkArgs(shared.names, shared.region, shared.tags, config.vpc_cidr, config.nat),
            shared.opts,
        )
        return list(network.subnet_ids), network.vpc_id, [network]
    first = aws.ec2.get_subnet_output(
        id=config.subnet_ids[0], opts=pulumi.InvokeOutputOptions(provider=shared.provider)
    )
    subnets: list[pulumi.Input[str]] = [*sorted(config.subnet_ids)]
    return subnets, first.vpc_id, []


def _service(shared: _Shared, foundation: _Foundation) -> None:
    config, names, opts = shared.config, shared.names, shared.opts
    runs_on, cluster = foundation.runs_on, foundation.cluster
    provider_name = runs_on.capacity_provider if isinstance(runs_on, OnInstances) else None
    topic = AlarmTopic(
        "alarm-topic",
        AlarmTopicArgs(names, shared.account_id, config.alarm_emails, events=provider_name is None),
        opts,
    )
    undoing = DeploymentAlarms(
        "deployment-alarms",
        DeploymentAlarmsArgs(names, topic.arn, config.alarm_minutes, config.error_percent, shared.gpu),
        opts,
    )
    service = WorkerService(
        "worker",
        WorkerServiceArgs(
            names=names,
            image=pulumi.Output.concat(foundation.registry.repository_url, "@", config.image_digest or ""),
            log_group=foundation.logs.group_name,
            region=shared.region,
            size=config.task_size,
            secret_arns=foundation.secrets.arns,
            environment=plain_variables(names, gpu=shared.gpu, changes=config.worker_environment),
            execution_role_arn=foundation.roles.execution_role_arn,
            task_role_arn=foundation.roles.task_role_arn,
            cluster_arn=cluster.arn,
            runs_on=runs_on,
            desired_count=config.min_workers,
            surge=config.surges,
            deployment_alarms=undoing.alarm_names,
            debug=config.debug,
            needs=[*foundation.needs, undoing],
        ),
        opts,
    )
    Scaling(
        "scaling",
        ScalingArgs(
            names=names,
            cluster_name=cluster.name,
            service_name=service.service_name,
            min_workers=config.min_workers,
            max_workers=config.max_workers,
            backlog=config.backlog,
            steps=config.scale_out_steps,
            scale_in_per_worker=config.scale_in_per_worker,
            scale_in_minutes=config.scale_in_minutes,
            concurrency=config.concurrency,
        ),
        opts,
    )
    Alarms(
        "alarms",
        AlarmsArgs(
            names=names,
            topic_arn=topic.arn,
            cluster_name=cluster.name,
            service_name=service.service_name,
            service_arn=service.arn,
            capacity_provider=provider_name,
            backlog=config.backlog,
            minutes=config.alarm_minutes,
            instance_minutes=config.instance_minutes,
        ),
        opts,
    )
    if provider_name is not None and config.surges:
        Patching(
            "patching",
            PatchingArgs(
                names=names,
                account_id=shared.account_id,
                cluster_name=cluster.name,
                service_name=service.service_name,
                service_arn=service.arn,
                # Each run moves one of the workers that always run.
                days=max(1, config.max_instance_days // config.min_workers),
            ),
            opts,
        )
    dashboard = Dashboard(
        "dashboard",
        DashboardArgs(names, shared.region, cluster.name, service.service_name, shared.gpu),
        opts,
    )
    pulumi.export("alarm-topic", topic.arn)
    pulumi.export("dashboard-url", dashboard.url)
    pulumi.export("image-digest", config.image_digest)
    pulumi.export("service", service.service_name)
