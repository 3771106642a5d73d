"""The result of a check: a line, its level, and what to do."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from service.settings import Settings

#: Red: the worker cannot work; yellow: it works, but something is not as it should be.
Level: TypeAlias = Literal["green", "yellow", "red"]

#: Characters of the shortest secret that is hidden: a shorter one would blank half of every line.
MIN_SECRET_LENGTH = 4


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the report."""

    check: str
    level: Level
    says: str
    #: What to do; empty for green.
    advice: str = ""


def passed(check: str, says: str) -> CheckResult:
    """Report that a check passed (green)."""
    return CheckResult(check, "green", says)


def warn(check: str, says: str, advice: str) -> CheckResult:
    """Report what works, but not as it should (yellow)."""
    return CheckResult(check, "yellow", says, advice)


def fail(check: str, says: str, advice: str) -> CheckResult:
    """Report what keeps the worker from working (red)."""
    return CheckResult(check, "red", says, advice)


def without_secrets(result: CheckResult, settings: Settings) -> CheckResult:
    """Mask every secret of the settings, in case a text quotes one."""
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
