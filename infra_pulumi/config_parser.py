"""Reads the stack's configuration as the Pulumi CLI passes it on, with a sentence for each mistake.

Imports nothing of Pulumi, so that the commands of ``make`` read it quickly.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from infra_pulumi.config import NAMESPACE, Existing, StackConfig
from infra_pulumi.environment import SECRETS

#: ``aws:*`` keys that the stack's provider gets.
AWS_KEYS = frozenset({"assumeRoles", "profile", "region"})

#: Namespaces of the Pulumi engine.
_ENGINE_NAMESPACES = frozenset({"pulumi"})

#: Options whose text in the configuration is JSON.
_STRUCTURED = frozenset(
    name
    for name, field in StackConfig.model_fields.items()
    if re.match(r"tuple|dict", str(field.annotation)) or field.annotation is Existing
)


def parse(given: Mapping[str, str], encrypted: Iterable[str]) -> tuple[StackConfig | None, list[str]]:
    """Validate configuration as the Pulumi CLI passes it on.

    Parameters:
        given: values by full key; lists and maps are JSON text
        encrypted: full keys of encrypted values
    """
    mistakes = list(_unknown_namespaces(given))
    values, unreadable = _raw_values(given)
    mistakes += unreadable
    try:
        config = StackConfig.model_validate(values)
    except ValidationError as error:
        return None, mistakes + [_sentence(detail) for detail in error.errors()]
    return config, mistakes + list(_misplaced_secrets(config, set(given), set(encrypted)))


def _unknown_namespaces(given: Mapping[str, str]) -> Iterator[str]:
    """Keys that nobody reads; ``pulumi config set max-workers 8`` writes one under the project's name."""
    for full in sorted(given):
        namespace, _, key = full.partition(":")
        if namespace == "aws" and key not in AWS_KEYS:
            yield f"{full} is not passed on to AWS; supported: {_aws_keys()}."
        elif namespace not in {"aws", NAMESPACE, *_ENGINE_NAMESPACES}:
            yield f"{full} is read by nobody; {_nearest(key)}: pulumi config rm {full}."


def _aws_keys() -> str:
    return ", ".join(f"aws:{key}" for key in sorted(AWS_KEYS))


def _nearest(key: str) -> str:
    known = [field.alias or name for name, field in StackConfig.model_fields.items()]
    known += [secret.key for secret in SECRETS]
    found = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean {NAMESPACE}:{found[0]}" if found else "see docs/infrastructure.md for the options"


def _raw_values(given: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    values: dict[str, object] = {}
    mistakes: list[str] = []
    secret_keys = {secret.key for secret in SECRETS}
    for full, text in sorted(given.items()):
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


def _misplaced_secrets(config: StackConfig, given: set[str], encrypted: set[str]) -> Iterator[str]:
    """Secret values that anybody could read, or that nobody would write."""
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
        return f"{NAMESPACE}:{path} is not an option; {_nearest(path)}."
    reason = detail["msg"].removeprefix("Value error, ")
    return f"{NAMESPACE}:{path} is {detail['input']!r}: {reason[0].lower()}{reason[1:]}."
