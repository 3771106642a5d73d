"""The settings themselves: whether they are all there, and spelt as the worker knows them."""

import os
from collections.abc import Iterator

from service.errors import SettingsError
from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.monitoring.doctor.tls import insecure_connections
from service.settings import Settings, require_servers, unclear_switches, unknown_variables


def check_settings(settings: Settings) -> Iterator[CheckResult]:
    """Whether every server is named and no variable is misspelt."""
    try:
        require_servers(settings)
    except SettingsError as error:
        yield fail("settings", str(error), "set them; `filot-ocr settings` says what each one means")
    else:
        yield passed("settings", "every server is named")
    for sentence in unknown_variables(os.environ):
        yield warn("settings", sentence, "correct its name, or unset it")
    for sentence in unclear_switches(settings, os.environ):
        yield warn("settings", sentence, "correct its value")


def check_encryption(settings: Settings) -> Iterator[CheckResult]:
    """Whether the way to each server is encrypted and ends where it should.

    Raises:
        SettingsError: a server is not named.
    """
    open_ends = list(insecure_connections(settings))
    for sentence in open_ends:
        yield warn("encryption", sentence, "change that variable")
    if not open_ends:
        yield passed("encryption", "every way to another machine is encrypted, with a checked certificate")
