"""Physical names of AWS resources, derived from the stack's name.

The stack ``production`` has the names that FiLot's runbooks, dashboards and scripts already use. Every other
stack prefixes them with its own name, so that any number of stacks fit into one account, in one region or
several (IAM names are global to an account).
"""

import re
from dataclasses import dataclass

#: The stack whose names carry no prefix.
PRODUCTION = "production"

#: Container name in the task definition, and value of the ``Service`` metric dimension. The same in all
#: stacks: stacks are told apart by their metric namespace.
CONTAINER = "filot-ocr-gpu-worker"

#: Prefix of the tag that `make deploy` adds to an image before it runs.
DEPLOYED_PREFIX = "deployed-"

#: A prefix must fit into IAM's and Auto Scaling's name limits (64 and 32 characters).
_STACK = re.compile(r"^[a-z][a-z0-9-]{0,19}$")

#: A capacity provider's name must not begin with one of these.
_RESERVED = ("aws", "ecs", "fargate")

_MANAGED = "arn:aws:iam::aws:policy"

#: AWS managed policy: pull images and write logs while a task starts.
EXECUTION_POLICY = f"{_MANAGED}/service-role/AmazonECSTaskExecutionRolePolicy"

#: AWS managed policy: the ECS agent of an instance joins a cluster.
INSTANCE_POLICY = f"{_MANAGED}/service-role/AmazonEC2ContainerServiceforEC2Role"

#: AWS managed policy: Session Manager on an instance, with ``filot:debug`` only.
DEBUG_POLICY = f"{_MANAGED}/AmazonSSMManagedInstanceCore"


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one stack.

    Raises:
        ValueError: the stack's name cannot be a prefix.
    """

    stack: str

    def __post_init__(self) -> None:
        if not _STACK.fullmatch(self.stack) or self.stack.startswith(_RESERVED):
            raise ValueError(
                f"stack {self.stack!r}: a stack's name becomes a prefix of resource names; use up to 20 "
                "lower-case letters, digits and dashes, and do not begin with aws, ecs or fargate"
            )

    @property
    def prefix(self) -> str:
        """Empty for production, ``<stack>-`` otherwise."""
        return "" if self.stack == PRODUCTION else f"{self.stack}-"

    @property
    def worker(self) -> str:
        """Repository, task family, service, dashboard; first part of alarm names."""
        return f"{self.prefix}filot-ocr-gpu-worker"

    @property
    def log_group(self) -> str:
        """CloudWatch log group of the container."""
        return f"/ecs/{self.worker}"

    @property
    def cluster(self) -> str:
        """ECS cluster, unless ``filot:cluster`` names another."""
        return f"filot-{self.stack}"

    @property
    def execution_role(self) -> str:
        """Role that ECS assumes to start a task, unless ``filot:execution-role`` names another."""
        return f"{self.prefix}filot-ecs-execution-role"

    @property
    def task_role(self) -> str:
        """Role of the running worker."""
        return f"{self.prefix}filot-ecs-task-role"

    @property
    def instance_role(self) -> str:
        """Role and instance profile of the GPU instances."""
        return f"{self.prefix}filot-ecs-gpu-instance-role"

    @property
    def patch_role(self) -> str:
        """Role of the schedule that moves workers to fresh instances."""
        return f"{self.prefix}filot-ocr-patch-role"

    @property
    def deploy_role(self) -> str:
        """Role of the deployment workflow, with ``filot:deploy-from`` only."""
        return f"{self.prefix}filot-ocr-deploy-role"

    @property
    def secrets_policy(self) -> str:
        """Inline policy of the execution role."""
        return f"{self.prefix}filot-ocr-worker-secrets"

    @property
    def capacity(self) -> str:
        """Auto Scaling group, launch template, security group and capacity provider."""
        return f"{self.prefix}filot-ocr-gpu-capacity"

    @property
    def network(self) -> str:
        """VPC and its parts, with ``filot:vpc: made`` only."""
        return f"{self.prefix}filot-ocr-network"

    @property
    def metrics_namespace(self) -> str:
        """CloudWatch namespace of the worker's metrics, its ``METRICS_NAMESPACE``."""
        return "FiLot" if self.stack == PRODUCTION else f"FiLot/{self.stack}"

    def secret(self, key: str) -> str:
        """Name of a secret in Secrets Manager."""
        return f"{self.prefix}filot/{key}"
