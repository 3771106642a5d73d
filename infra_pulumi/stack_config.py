"""Configuration of the running Pulumi program."""

import os
from typing import Any

import pulumi

from infra_pulumi.config import NAMESPACE, StackConfig
from infra_pulumi.config_parser import parse
from infra_pulumi.stack_environment import DIGEST_VARIABLE


def read_config() -> StackConfig:
    """Return the stack's configuration.

    Raises:
        pulumi.RunError: a value or a key cannot be used; one sentence for each mistake.
    """
    given = dict(pulumi.runtime.get_config_env())
    if digest := os.environ.get(DIGEST_VARIABLE):
        given[f"{NAMESPACE}:image-digest"] = digest
    config, mistakes = parse(given, pulumi.runtime.get_config_secret_keys_env())
    if config is None or mistakes:
        raise pulumi.RunError("\n".join(mistakes))
    return config


def secret_value(key: str) -> pulumi.Output[str] | None:
    """The encrypted value of a worker's secret in the stack's configuration."""
    return pulumi.Config(NAMESPACE).get_secret(key)


def provider_settings() -> dict[str, Any]:
    """What ``aws:*`` sets for the stack's provider: an explicit provider does not read it by itself."""
    config = pulumi.Config("aws")
    found: dict[str, Any] = {"region": config.require("region"), "profile": config.get("profile")}
    if roles := config.get_object("assumeRoles"):
        found["assume_roles"] = [
            {"role_arn": role["roleArn"], "session_name": role.get("sessionName")} for role in roles
        ]
    return {key: value for key, value in found.items() if value is not None}
