"""The settings themselves: whether they are all there, and spelt as the worker knows them."""

import os
from collections.abc import Iterator

from service.errors import SettingsError
from service.monitoring.doctor.check_result import Finding, green, red, yellow
from service.monitoring.doctor.tls import unproven
from service.settings import Settings, require_servers
from service.variables import unknown_variables


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Whether every server is named and no variable is misspelt."""
    try:
        require_servers(settings)
    except SettingsError as error:
        yield red("settings", str(error), "set them; `filot-ocr settings` says what each one means")
    else:
        yield green("settings", "every server is named")
    for sentence in unknown_variables(os.environ):
        yield yellow("settings", sentence, "correct its name, or unset it")


def check_encryption(settings: Settings) -> Iterator[Finding]:
    """Whether the way to each server is encrypted and ends where it should.

    Raises:
        SettingsError: a server is not named.
    """
    open_ends = list(unproven(settings))
    for sentence in open_ends:
        yield yellow("encryption", sentence, "change that variable")
    if not open_ends:
        yield green("encryption", "every way to another machine is encrypted, with a checked certificate")
