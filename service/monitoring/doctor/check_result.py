"""What a check found: a line, how bad it is, and what to do."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from service.settings import Settings

#: Red keeps the worker from its work; yellow works, but not as it should.
Level: TypeAlias = Literal["green", "yellow", "red"]

#: Characters of a secret that is worth hiding: shorter ones would blot out half of every line.
MIN_SECRET_LENGTH = 4


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the examination."""

    check: str
    level: Level
    says: str
    #: What to do; empty where nothing is.
    advice: str = ""


def passed(check: str, says: str) -> CheckResult:
    """All is well."""
    return CheckResult(check, "green", says)


def warn(check: str, says: str, advice: str) -> CheckResult:
    """It works, but not as it should."""
    return CheckResult(check, "yellow", says, advice)


def fail(check: str, says: str, advice: str) -> CheckResult:
    """The worker cannot do its work like this."""
    return CheckResult(check, "red", says, advice)


def without_secrets(result: CheckResult, settings: Settings) -> CheckResult:
    """The finding with every secret of the settings blotted out, should something have quoted one."""
    hidden = sorted(_secrets(settings), key=len, reverse=True)
    says, advice = result.says, result.advice
    for secret in hidden:
        says, advice = says.replace(secret, "***"), advice.replace(secret, "***")
    return replace(result, says=says, advice=advice)


def _secrets(settings: Settings) -> set[str]:
    values = {value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)}
    passwords = {urlsplit(value).password or "" for value in values if "://" in value}
    found = values | passwords | set(map(unquote, passwords))
    return {secret for secret in found if len(secret) >= MIN_SECRET_LENGTH}
