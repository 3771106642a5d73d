"""The stack's configuration (``filot:*``), read and checked once; mistakes are told all together."""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

import pulumi
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from infra_pulumi.environment import FIXED, NOT_SET, SECRETS, VARIABLES

#: ``pulumi config set filot:...``
NAMESPACE = "filot"

#: How the stack comes by a thing that the old scripts may have made: make it, only look it up (it stays
#: theirs), or take it into the stack unchanged.
Adoption: TypeAlias = Literal["create", "lookup", "import"]

SecurityGroupId = Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]
EmailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
ProviderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,255}$")]
SubnetId = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")]
Port = Annotated[int, Field(ge=1, le=65_535)]
OptionalSecret = Literal[
    "buli2-api-key", "buli2-api-url", "buli2-callback-url", "redis-password", "status-token"
]


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_kebab)


class Existing(_Section):
    """For each thing that may exist already: ``create``, ``lookup`` or ``import``."""

    cluster: Adoption = "create"
    execution_role: Adoption = "create"
    log_group: Adoption = "create"
    repository: Adoption = "create"
    secrets: Adoption = "create"
    task_role: Adoption = "create"


class StackConfig(_Section):
    """What an operator can choose; each field's key is its name with dashes."""

    account_id: str | None = Field(
        None, pattern=r"^\d{12}$", description="the only AWS account this stack may touch"
    )
    alarm_emails: tuple[EmailAddress, ...] = Field((), description="addresses that alarms are mailed to")
    ami_id: str | None = Field(
        None,
        pattern=r"^ami-[0-9a-f]{8,17}$",
        description="image of the GPU instances; unset: the newest ECS GPU image of Amazon Linux 2023",
    )
    backlog: int = Field(
        100, ge=1, description="waiting documents above which workers are added and, if it lasts, people told"
    )
    capacity: Literal["managed", "own"] = Field(
        "managed",
        description="`managed`: the stack makes GPU instances as needed; `own`: the cluster already has some",
    )
    cluster: str = Field(
        "filot-production", pattern=r"^[A-Za-z0-9_-]{1,255}$", description="name of the ECS cluster"
    )
    egress_ports: tuple[Port, ...] = Field(
        (443, 5432, 6379), description="TCP ports that instances may connect to (HTTPS, PostgreSQL, Redis)"
    )
    existing: Existing = Field(
        Existing(),
        description="for `cluster`, `execution-role`, `log-group`, `repository`, `secrets`, `task-role`: "
        "`create`, `lookup` or `import`",
    )
    image_digest: str | None = Field(
        None,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="the image that runs, written by `make deploy`; unset: everything but the service",
    )
    instance_type: str = Field(
        "g4dn.xlarge", pattern=r"^g4dn\.[0-9a-z]+$", description="type of the GPU instances"
    )
    max_workers: int = Field(4, ge=1, le=100, description="most workers, one GPU each")
    min_workers: int = Field(
        1,
        ge=1,
        le=100,
        description="fewest workers; 1 at least, as workers report the queue that scales them",
    )
    other_capacity_providers: tuple[ProviderName, ...] = Field(
        (), description="capacity providers that a looked-up cluster has already and must keep"
    )
    secret_version: int = Field(
        1, ge=1, description="raise it by one after changing a secret's value in this configuration"
    )
    security_group_ids: tuple[SecurityGroupId, ...] = Field(
        (), description="further security groups of the instances, such as one that the database admits"
    )
    subnet_ids: tuple[SubnetId, ...] = Field(
        (), description="subnets of the GPU instances, with a way to the internet; needed by `managed`"
    )
    without_secrets: tuple[OptionalSecret, ...] = Field(
        (),
        description="secrets that the worker goes without: "
        + ", ".join(s.key for s in SECRETS if s.optional),
    )
    worker_environment: dict[str, str] = Field(
        {}, description="changed environment variables of the worker, by name"
    )

    @field_validator(
        "alarm_emails", "egress_ports", "other_capacity_providers", "security_group_ids", "subnet_ids"
    )
    @classmethod
    def _named_once(cls, value: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(value)) < len(value):
            raise ValueError("something is named twice")
        return value

    @field_validator("worker_environment", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """``pulumi config set --path`` makes numbers and truth values of what looks like one."""
        if not isinstance(value, dict):
            return value
        return {key: text if isinstance(text, str) else json.dumps(text) for key, text in value.items()}

    @field_validator("worker_environment")
    @classmethod
    def _known_variables(cls, value: dict[str, str]) -> dict[str, str]:
        allowed = (set(VARIABLES) | NOT_SET) - FIXED
        if wrong := sorted(set(value) - allowed):
            raise ValueError(f"cannot set {', '.join(wrong)}; it may set {', '.join(sorted(allowed))}")
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> "StackConfig":
        if self.min_workers > self.max_workers:
            raise ValueError(
                f"filot:min-workers ({self.min_workers}) is above filot:max-workers ({self.max_workers})"
            )
        if self.capacity == "managed" and not self.subnet_ids:
            raise ValueError(
                "filot:subnet-ids is needed for the GPU instances (or set filot:capacity to own)"
            )
        if self.other_capacity_providers and self.existing.cluster == "create":
            raise ValueError("filot:other-capacity-providers is only for a cluster that exists already")
        return self


#: Options whose text in the configuration is JSON.
_STRUCTURED = frozenset(
    name
    for name, field in StackConfig.model_fields.items()
    if re.match(r"tuple|dict", str(field.annotation)) or field.annotation is Existing
)


def read_config() -> StackConfig:
    """Read the stack's configuration.

    Raises:
        pulumi.RunError: something in it cannot be used; a sentence for each mistake.
    """
    values, mistakes = _raw_values()
    try:
        config = StackConfig.model_validate(values)
        mistakes += _misplaced_secrets(config)
    except ValidationError as error:
        mistakes += [_sentence(detail) for detail in error.errors()]
    if mistakes:
        raise pulumi.RunError("\n".join(mistakes))
    return config


def secret_value(key: str) -> pulumi.Output[str] | None:
    """The value of a worker's secret when it was put into the stack's configuration."""
    return pulumi.Config(NAMESPACE).get_secret(key)


def _raw_values() -> tuple[dict[str, object], list[str]]:
    values: dict[str, object] = {}
    mistakes: list[str] = []
    secret_keys = {secret.key for secret in SECRETS}
    for full, text in sorted(pulumi.runtime.get_config_env().items()):
        namespace, _, key = full.partition(":")
        if namespace != NAMESPACE or key in secret_keys:
            continue
        try:
            values[key] = json.loads(text) if key.replace("-", "_") in _STRUCTURED else text
        except json.JSONDecodeError:
            mistakes.append(
                f"{full} is {text!r}; it is a list or a map, set it with pulumi config set --path"
            )
    return values, mistakes


def _misplaced_secrets(config: StackConfig) -> Iterator[str]:
    """Values of secrets that could be read by everybody, or that nobody would read."""
    given = set(pulumi.runtime.get_config_env())
    encrypted = set(pulumi.runtime.get_config_secret_keys_env())
    for secret in SECRETS:
        key = f"{NAMESPACE}:{secret.key}"
        if key not in given:
            continue
        if key not in encrypted:
            yield f"{key} is not encrypted: pulumi config rm {key}, then set it with --secret."
        if config.existing.secrets == "lookup":
            yield f"{key} has a value, but filot:existing only looks the secrets up: set it out of band."
        if secret.key in config.without_secrets:
            yield f"{key} has a value, but filot:without-secrets leaves it out."


def _sentence(detail: ErrorDetails) -> str:
    path = ".".join(str(part) for part in detail["loc"])
    if not path:
        return detail["msg"].removeprefix("Value error, ") + "."
    if detail["type"] == "extra_forbidden":
        return f"{NAMESPACE}:{path} is not an option of this program; see docs/infrastructure.md."
    reason = detail["msg"].removeprefix("Value error, ")
    return f"{NAMESPACE}:{path} is {detail['input']!r}: {reason[0].lower()}{reason[1:]}."
