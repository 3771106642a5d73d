"""A stack's configuration file, ``Pulumi.<stack>.yaml``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra_pulumi.config import StackConfig
from infra_pulumi.config_parser import parse
from infra_pulumi.environment import SECRETS, WorkerSecret
from infra_pulumi.names import Names
from infra_pulumi.release.programs import AwsCli, Refusal


@dataclass(frozen=True)
class StackFile:
    """One stack: its configuration, its names and its region."""

    stack: str
    config: StackConfig
    names: Names
    region: str
    profile: str | None
    #: Keys of secrets whose value is in the file, encrypted.
    configured_secrets: frozenset[str]

    @property
    def aws(self) -> AwsCli:
        """The AWS CLI for this stack's region."""
        return AwsCli(self.region, self.profile)

    @property
    def secrets(self) -> list[WorkerSecret]:
        """The secrets that a task needs: it does not start while one has no value."""
        return [secret for secret in SECRETS if secret.key not in self.config.without_secrets]


#: Stands for subnets that are not chosen yet, in commands that need none.
_ANY_SUBNET = '["subnet-00000000"]'


def read_stack(stack: str, folder: Path, *, offline: bool = False) -> StackFile:
    """Read and validate a stack's file.

    Parameters:
        offline: the command neither asks nor changes AWS, so subnets may be missing

    Raises:
        Refusal: there is none, or something in it cannot be used.
    """
    path = folder / f"Pulumi.{stack}.yaml"
    if not path.exists():
        raise Refusal(f"{path.name} does not exist: pulumi stack init {stack}, then configure it.")
    given = (yaml.safe_load(path.read_text()) or {}).get("config") or {}
    encrypted = {key for key, value in given.items() if isinstance(value, dict) and "secure" in value}
    texts = {key: _as_text(value) for key, value in given.items()}
    if offline and "filot:vpc" not in texts:
        texts.setdefault("filot:subnet-ids", _ANY_SUBNET)
    config, mistakes = parse(texts, encrypted)
    if not texts.get("aws:region"):
        mistakes.append("aws:region is not set.")
    if config is None or mistakes:
        raise Refusal("\n".join(mistakes))
    try:
        names = Names(stack)
    except ValueError as error:
        raise Refusal(str(error)) from error
    keys = frozenset(key.removeprefix("filot:") for key in encrypted)
    return StackFile(stack, config, names, texts["aws:region"], texts.get("aws:profile"), keys)


def _as_text(value: Any) -> str:
    """A value as the Pulumi CLI passes it to the program."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and "secure" in value:
        return "encrypted"
    return json.dumps(value)
