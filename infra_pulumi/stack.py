"""The whole stack: reads the configuration and connects the parts."""

import pulumi
import pulumi_aws as aws

from infra_pulumi.alarms import Alarms, AlarmsArgs
from infra_pulumi.capacity import GpuCapacity, GpuCapacityArgs
from infra_pulumi.cluster import Cluster, ClusterArgs
from infra_pulumi.config import StackConfig, read_config
from infra_pulumi.environment import SECRETS
from infra_pulumi.iam import TaskRoles, TaskRolesArgs
from infra_pulumi.names import WORKER
from infra_pulumi.observability import Dashboard, DashboardArgs, Logs, LogsArgs
from infra_pulumi.registry import Registry, RegistryArgs
from infra_pulumi.scaling import Scaling, ScalingArgs
from infra_pulumi.secret_store import SecretStore, SecretStoreArgs
from infra_pulumi.worker_service import WorkerService, WorkerServiceArgs


def build() -> None:
    """Declare every resource of the stack."""
    config = read_config()
    region = pulumi.Config("aws").require("region")
    tags = {
        "Environment": pulumi.get_stack(),
        "ManagedBy": "Pulumi",
        "Project": "FiLot",
        "Service": WORKER,
    }
    provider = aws.Provider(
        "aws",
        region=region,
        allowed_account_ids=[config.account_id] if config.account_id else None,
        default_tags={"tags": tags},
    )
    opts = pulumi.ResourceOptions(providers=[provider])
    account_id = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(provider=provider)).account_id

    registry = Registry("registry", RegistryArgs(config.existing.repository), opts)
    pulumi.export("repository-url", registry.repository_url)
    logs = Logs("logs", LogsArgs(config.existing.log_group), opts)
    used = [secret for secret in SECRETS if secret.key not in config.without_secrets]
    secrets = SecretStore(
        "secrets", SecretStoreArgs(used, config.existing.secrets, config.secret_version), opts
    )
    cluster = Cluster("cluster", ClusterArgs(config.cluster, config.existing.cluster), opts)
    roles = TaskRoles(
        "roles",
        TaskRolesArgs(
            account_id,
            cluster.arn,
            secrets.arns,
            config.existing.execution_role,
            config.existing.task_role,
        ),
        opts,
    )
    capacity = _capacity(config, cluster, tags, opts)
    if config.image_digest is None:
        pulumi.log.info("filot:image-digest is not set: the service comes with the first `make deploy`.")
        return
    service = WorkerService(
        "worker",
        WorkerServiceArgs(
            image=pulumi.Output.concat(registry.repository_url, "@", config.image_digest),
            log_group=logs.group_name,
            region=region,
            secret_arns=secrets.arns,
            environment=config.worker_environment,
            execution_role_arn=roles.execution_role_arn,
            task_role_arn=roles.task_role_arn,
            cluster_arn=cluster.arn,
            capacity_provider=capacity.provider_name if capacity else None,
            desired_count=config.min_workers,
        ),
        opts,
    )
    if not config.alarm_emails:
        pulumi.log.warn("filot:alarm-emails is empty: alarms reach only those who subscribe to the topic.")
    _watch(config, region, account_id, cluster, capacity, service, opts)
    pulumi.export("service", service.name)


def _capacity(
    config: StackConfig, cluster: Cluster, tags: dict[str, str], opts: pulumi.ResourceOptions
) -> GpuCapacity | None:
    if config.capacity == "own":
        return None
    return GpuCapacity(
        "capacity",
        GpuCapacityArgs(
            cluster_name=cluster.name,
            subnet_ids=config.subnet_ids,
            security_group_ids=config.security_group_ids,
            egress_ports=config.egress_ports,
            instance_type=config.instance_type,
            ami_id=config.ami_id,
            max_instances=config.max_workers,
            other_providers=config.other_capacity_providers,
            tags=tags,
        ),
        opts,
    )


def _watch(
    config: StackConfig,
    region: str,
    account_id: pulumi.Output[str],
    cluster: Cluster,
    capacity: GpuCapacity | None,
    service: WorkerService,
    opts: pulumi.ResourceOptions,
) -> None:
    Scaling(
        "scaling",
        ScalingArgs(cluster.name, service.name, config.min_workers, config.max_workers, config.backlog),
        opts,
    )
    alarms = Alarms(
        "alarms",
        AlarmsArgs(
            account_id=account_id,
            cluster_name=cluster.name,
            service_name=service.name,
            service_arn=service.arn,
            capacity_provider=capacity.provider_name if capacity else None,
            backlog=config.backlog,
            emails=config.alarm_emails,
        ),
        opts,
    )
    Dashboard("dashboard", DashboardArgs(region, cluster.name, service.name), opts)
    pulumi.export("alarm-topic", alarms.topic_arn)
