"""The options of the stack's configuration (``filot:*``), their limits, and what contradicts itself.

Imports nothing of Pulumi, so that the commands of ``make`` read it quickly.
"""

import json
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from infra_pulumi.environment import FIXED, NOT_SET, SECRETS, VARIABLES
from infra_pulumi.instance_types import (
    FARGATE_SIZE,
    INSTANCE_TYPES,
    TaskSize,
    fits_fargate,
    size_for,
)

#: ``pulumi config set filot:...``
NAMESPACE = "filot"

#: What to do about a resource that may exist already: create it, use it as it is and leave it to its owner,
#: or import it into the stack.
Adoption: TypeAlias = Literal["create", "lookup", "import"]

Compute: TypeAlias = Literal["gpu", "cpu"]

EmailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
GpuInstanceType = Annotated[str, Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")]
Port = Annotated[int, Field(ge=1, le=65_535)]
ProviderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,255}$")]
SecurityGroupId = Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]
SubnetId = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")]
RoleName = Annotated[str, Field(pattern=r"^[A-Za-z0-9+=,.@_-]{1,64}$")]
OptionalSecret = Literal[
    "buli2-api-key", "buli2-api-url", "buli2-callback-url", "redis-password", "status-token"
]


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_kebab)


class Existing(_Section):
    """For each resource that may exist already: ``create``, ``lookup`` or ``import``."""

    cluster: Adoption = "create"
    execution_role: Adoption = "create"
    #: The account's identity provider for GitHub's workflows; it is never imported.
    github_oidc: Literal["create", "lookup"] = "create"
    log_group: Adoption = "create"
    repository: Adoption = "create"
    secrets: Adoption = "create"
    task_role: Adoption = "create"


class ScaleOutStep(_Section):
    """From ``above`` documents over ``filot:backlog`` on, ``add`` workers at once."""

    above: int = Field(ge=0)
    add: int = Field(ge=1, le=100)


class StackConfig(_Section):
    """What an operator can choose; each field's key is its name with dashes."""

    account_id: str | None = Field(
        None, pattern=r"^\d{12}$", description="the only AWS account that the stack may change"
    )
    alarm_emails: tuple[EmailAddress, ...] = Field((), description="e-mail addresses that alarms go to")
    alarm_minutes: int = Field(5, ge=1, le=60, description="minutes that a condition must hold for an alarm")
    ami_id: str | None = Field(
        None,
        pattern=r"^ami-[0-9a-f]{8,17}$",
        description="AMI of the GPU instances; unset: the newest ECS GPU AMI of Amazon Linux 2023",
    )
    assign_public_ip: bool = Field(
        False, description="`cpu`: give tasks public addresses, for public subnets"
    )
    backlog: int = Field(
        100,
        ge=1,
        description="waiting documents above which workers are added and, if they stay, an alarm fires",
    )
    capacity: Literal["managed", "own"] = Field(
        "managed",
        description="`managed`: the stack starts GPU instances as needed; `own`: the cluster has instances",
    )
    cluster: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_-]{1,255}$", description="ECS cluster; unset: `filot-<stack>`"
    )
    compute: Compute = Field(
        "gpu", description="`gpu`: EC2 instances with GPUs; `cpu`: the same service on Fargate without a GPU"
    )
    debug: bool = Field(
        False, description="allow `aws ecs execute-command` and Session Manager, for an investigation only"
    )
    deploy_from: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$",
        description="GitHub repository `owner/name` whose workflows may deploy the stack (OIDC)",
    )
    egress_ports: tuple[Port, ...] = Field(
        (443, 5432, 6379), description="TCP ports that workers may connect to (HTTPS, PostgreSQL, Redis)"
    )
    error_percent: int = Field(
        10, ge=1, le=99, description="share of failed documents above which an alarm fires"
    )
    execution_role: RoleName | None = Field(
        None,
        description="role that ECS starts tasks with; unset: a role of this stack's own",
    )
    existing: Existing = Field(
        Existing(),
        description="for `cluster`, `execution-role`, `log-group`, `repository`, `secrets`, `task-role`: "
        "`create`, `lookup` or `import`; for `github-oidc`: `create` or `lookup`",
    )
    image_digest: str | None = Field(
        None,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="the deployed image, written by `make deploy`; unset: everything but the service",
    )
    instance_minutes: int = Field(
        15, ge=5, le=120, description="minutes that tasks may wait for an instance before an alarm fires"
    )
    instance_types: tuple[GpuInstanceType, ...] = Field(
        ("g4dn.xlarge",),
        min_length=1,
        max_length=10,
        description="types of the GPU instances, in order of preference",
    )
    log_days: int = Field(30, description="days that logs are kept")
    max_instance_days: int = Field(
        14,
        ge=1,
        le=365,
        description="days after which a worker that always runs moves to a patched instance",
    )
    max_workers: int = Field(4, ge=1, le=100, description="largest number of workers")
    min_workers: int = Field(
        1, ge=1, le=100, description="smallest number of workers; at least 1, as workers report the queue"
    )
    nat: bool = Field(True, description="`vpc` `made`: a NAT gateway, for services outside AWS")
    on_demand_base: int = Field(
        1, ge=0, le=100, description="workers that always run on demand; matters with `spot-percent`"
    )
    other_capacity_providers: tuple[ProviderName, ...] = Field(
        (), description="capacity providers that a looked-up cluster has already and must keep"
    )
    scale_in_backlog: float | None = Field(
        None,
        gt=0,
        description="waiting documents per worker below which a worker is removed; "
        "unset: `backlog / (2 x max-workers)`",
    )
    scale_in_minutes: int = Field(
        10, ge=10, le=120, multiple_of=5, description="minutes that the backlog must stay below that"
    )
    scale_out_steps: tuple[ScaleOutStep, ...] = Field(
        (ScaleOutStep(above=0, add=1), ScaleOutStep(above=400, add=2), ScaleOutStep(above=1_900, add=3)),
        min_length=1,
        max_length=20,
        description="workers added at once, by documents above `backlog`",
    )
    secret_version: int = Field(
        1, ge=1, description="raise it by one after changing a secret's value in this configuration"
    )
    security_group_ids: tuple[SecurityGroupId, ...] = Field(
        (), description="further security groups of the workers, such as one that the database admits"
    )
    spot_percent: int = Field(
        0, ge=0, le=100, description="share of the workers above `on-demand-base` that run on Spot"
    )
    subnet_ids: tuple[SubnetId, ...] = Field(
        (), description="`vpc` `given`: subnets of the workers, with a route to the internet"
    )
    surge: bool | None = Field(
        None,
        description="start new tasks before old ones stop, on one more instance; "
        "unset: if `max-workers` is above `min-workers`",
    )
    task_cpu: int | None = Field(
        None, ge=256, le=196_608, description="CPU units of a task; unset: what the instance type has"
    )
    task_memory: int | None = Field(
        None,
        ge=1024,
        le=700_000,
        description="MiB of memory of a task; unset: 7/8 of the instance type's",
    )
    vpc: Literal["given", "made"] = Field(
        "given", description="`given`: use `subnet-ids`; `made`: the stack makes a VPC in two zones"
    )
    vpc_cidr: str = Field("10.80.0.0/16", description="`vpc` `made`: address range of the VPC")
    without_secrets: tuple[OptionalSecret, ...] = Field(
        (),
        description="secrets that the worker goes without: "
        + ", ".join(s.key for s in SECRETS if s.optional),
    )
    worker_environment: dict[str, str] = Field(
        {}, description="changed environment variables of the worker, by name"
    )

    @field_validator(
        *("alarm_emails", "egress_ports", "instance_types", "other_capacity_providers"),
        *("security_group_ids", "subnet_ids"),
    )
    @classmethod
    def _no_duplicates(cls, value: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(value)) < len(value):
            raise ValueError("something is listed twice")
        return value

    @field_validator("instance_types")
    @classmethod
    def _known_types(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(value) - set(INSTANCE_TYPES)):
            raise ValueError(
                f"{', '.join(unknown)} is not supported; use types with one GPU: "
                + ", ".join(sorted(INSTANCE_TYPES))
            )
        return value

    @field_validator("log_days")
    @classmethod
    def _known_retention(cls, value: int) -> int:
        if value not in RETENTION_DAYS:
            raise ValueError(
                f"CloudWatch keeps logs for one of {', '.join(map(str, sorted(RETENTION_DAYS)))} days"
            )
        return value

    @field_validator("vpc_cidr")
    @classmethod
    def _usable_range(cls, value: str) -> str:
        if not 16 <= IPv4Network(value).prefixlen <= 24:
            raise ValueError("the VPC needs a range between /16 and /24")
        return value

    @field_validator("scale_out_steps")
    @classmethod
    def _steps_in_order(cls, value: tuple[ScaleOutStep, ...]) -> tuple[ScaleOutStep, ...]:
        bounds = [step.above for step in value]
        if bounds[0] != 0 or bounds != sorted(set(bounds)):
            raise ValueError("`above` must begin at 0 and grow from step to step")
        return value

    @field_validator("worker_environment", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """``pulumi config set --path`` stores ``3`` and ``true`` as a number and a boolean."""
        if not isinstance(value, dict):
            return value
        return {key: text if isinstance(text, str) else json.dumps(text) for key, text in value.items()}

    @field_validator("worker_environment")
    @classmethod
    def _known_variables(cls, value: dict[str, str]) -> dict[str, str]:
        allowed = (set(VARIABLES) | NOT_SET) - FIXED
        if wrong := sorted(set(value) - allowed):
            raise ValueError(f"cannot set {', '.join(wrong)}; it may set {', '.join(sorted(allowed))}")
        if not value.get("OCR_GPU_CONCURRENCY", "1").isdecimal():
            raise ValueError("OCR_GPU_CONCURRENCY is not a number")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "StackConfig":
        if problem := next(self._contradictions(), None):
            raise ValueError(problem)
        return self

    def _contradictions(self) -> Iterator[str]:
        gpu = self.compute == "gpu"
        if self.min_workers > self.max_workers:
            yield f"filot:min-workers ({self.min_workers}) is above filot:max-workers ({self.max_workers})"
        if not gpu and self.capacity == "own":
            yield "filot:capacity own is for GPU instances; filot:compute cpu runs on Fargate"
        if self.vpc == "given" and not self.subnet_ids and (not gpu or self.capacity == "managed"):
            yield "filot:subnet-ids is needed for the workers (or set filot:vpc to made)"
        if self.vpc == "made" and (self.subnet_ids or self.capacity == "own"):
            yield "filot:vpc made goes without filot:subnet-ids and with filot:capacity managed"
        if self.other_capacity_providers and self.existing.cluster == "create":
            yield "filot:other-capacity-providers is only for a cluster that exists already"
        if self.existing.execution_role != "create" and self.execution_role is None:
            yield "filot:existing.execution-role needs the role's name in filot:execution-role"
        if self.surge and gpu and self.capacity == "own":
            yield "filot:surge needs instances that the stack can add; filot:capacity is own"
        if self.scale_in_total >= self.backlog:
            yield (
                f"filot:scale-in-backlog ({self.scale_in_per_worker:g}) times filot:max-workers is not below "
                f"filot:backlog ({self.backlog}): workers would be added and removed in turn"
            )
        yield from self._size_problems()

    def _size_problems(self) -> Iterator[str]:
        if self.compute == "cpu":
            if not fits_fargate(self.task_size):
                yield (
                    f"Fargate has no tasks with filot:task-cpu {self.task_size.cpu} and filot:task-memory "
                    f"{self.task_size.memory}; see docs/infrastructure-reference.md"
                )
            return
        room = size_for(self.instance_types)
        if self.task_size.cpu > room.cpu or self.task_size.memory > room.memory:
            yield (
                f"a task with {self.task_size.cpu} CPU units and {self.task_size.memory} MiB does not fit "
                f"{', '.join(self.instance_types)}, which have {room.cpu} and {room.memory}"
            )

    @property
    def task_size(self) -> TaskSize:
        """CPU and memory of a task: as configured, or what the instance types have."""
        default = FARGATE_SIZE if self.compute == "cpu" else size_for(self.instance_types)
        return TaskSize(self.task_cpu or default.cpu, self.task_memory or default.memory)

    @property
    def concurrency(self) -> int:
        """Documents that a worker processes at a time."""
        changed = self.worker_environment.get("OCR_GPU_CONCURRENCY")
        return int(changed or VARIABLES["OCR_GPU_CONCURRENCY"])

    @property
    def surges(self) -> bool:
        """Whether a deployment starts new tasks before it stops old ones."""
        if self.surge is not None:
            return self.surge
        if self.compute == "cpu":
            return True
        return self.capacity == "managed" and self.max_workers > self.min_workers

    @property
    def max_instances(self) -> int:
        """Largest number of GPU instances: one for each worker, and one more for a deployment that surges."""
        return self.max_workers + self.surges

    @property
    def scale_in_per_worker(self) -> float:
        """Waiting documents per worker below which one is removed; half the scale-out limit in all."""
        return self.scale_in_backlog or self.backlog / (2 * self.max_workers)

    @property
    def scale_in_total(self) -> float:
        """Waiting documents below which the largest number of workers shrinks."""
        return self.scale_in_per_worker * self.max_workers


#: Retention periods that CloudWatch Logs accepts, in days.
RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
