"""What a check found: a line, how bad it is, and what to do."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from service.settings import Settings

#: Red keeps the worker from its work; yellow works, but not as it should.
Level: TypeAlias = Literal["green", "yellow", "red"]

#: Characters of a secret that is worth hiding: shorter ones would blot out half of every line.
LEAST_SECRET = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination."""

    check: str
    level: Level
    says: str
    #: What to do; empty where nothing is.
    advice: str = ""


def green(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check, "green", says)


def yellow(check: str, says: str, advice: str) -> Finding:
    """It works, but not as it should."""
    return Finding(check, "yellow", says, advice)


def red(check: str, says: str, advice: str) -> Finding:
    """The worker cannot do its work like this."""
    return Finding(check, "red", says, advice)


def without_secrets(finding: Finding, settings: Settings) -> Finding:
    """The finding with every secret of the settings blotted out, should something have quoted one."""
    hidden = sorted(_secrets(settings), key=len, reverse=True)
    says, advice = finding.says, finding.advice
    for secret in hidden:
        says, advice = says.replace(secret, "***"), advice.replace(secret, "***")
    return replace(finding, says=says, advice=advice)


def _secrets(settings: Settings) -> set[str]:
    values = {value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)}
    passwords = {urlsplit(value).password or "" for value in values if "://" in value}
    found = values | passwords | set(map(unquote, passwords))
    return {secret for secret in found if len(secret) >= LEAST_SECRET}
