"""The settings themselves: whether all are set, spelt correctly, and free of contradictions."""

import os
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from service.errors import SettingsError
from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.monitoring.doctor.tls import insecure_connections
from service.settings import Settings, require_servers, unclear_switches, unknown_variables


def check_settings(settings: Settings) -> Iterator[CheckResult]:
    """Check that every server is named, no variable is misspelt, and no two contradict each other."""
    try:
        require_servers(settings)
    except SettingsError as error:
        yield fail("settings", str(error), "set them; `filot-ocr settings` describes each one")
    else:
        yield passed("settings", "every server is named")
    for sentence in unknown_variables(os.environ):
        yield warn("settings", sentence, "correct its name, or unset it")
    yield from _passwords(settings)
    for sentence in unclear_switches(settings, os.environ).values():
        yield warn("settings", sentence, "correct its value")


def _passwords(settings: Settings) -> Iterator[CheckResult]:
    if settings.redis_url is None or settings.redis_password is None:
        return
    in_the_url = unquote(urlsplit(settings.redis_url.get_secret_value()).password or "")
    if in_the_url and in_the_url != settings.redis_password.get_secret_value():
        yield warn(
            "settings",
            "REDIS_URL and REDIS_PASSWORD hold different passwords; the one in REDIS_URL is used, as in the "
            "backend",
            "remove one of them",
        )


def check_encryption(settings: Settings) -> Iterator[CheckResult]:
    """Check that the connection to each server is encrypted, and its certificate verified.

    Raises:
        SettingsError: a server is not named.
    """
    insecure = list(insecure_connections(settings))
    for sentence in insecure:
        yield warn("encryption", sentence, "change that variable")
    if not insecure:
        yield passed(
            "encryption", "every connection to another machine is encrypted, with a verified certificate"
        )
