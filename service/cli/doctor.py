"""`doctor`: check everything that a worker needs, and say how to fix what is wrong."""

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from service.cli.output import EXIT_INPUT, console, print_json
from service.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.monitoring.doctor.check_result import CheckResult


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check settings, servers, engine and machine, and say how to fix what is wrong.

    Exit code 1: at least one check is red.
    """
    results = []
    for result in _run_checks():
        results.append(result)
        if not as_json:
            console.print(_line(result))
    levels = Counter(result.level for result in results)
    if as_json:
        counts = {level: levels[level] for level in ("red", "yellow", "green")}
        print_json({**counts, "checks": [asdict(result) for result in results]})
    else:
        console.print(f"{levels['red']} red, {levels['yellow']} yellow, {levels['green']} green")
    if levels["red"]:
        raise typer.Exit(EXIT_INPUT)


def _run_checks() -> "Iterator[CheckResult]":
    from service.monitoring.doctor.check_result import fail
    from service.monitoring.doctor.runner import run_checks
    from service.settings import load_settings

    try:
        settings = load_settings()
    except SettingsError as error:
        yield fail("settings", str(error), "correct it first; no other check can run without settings")
        return
    yield from run_checks(settings)


def _line(result: "CheckResult") -> Text:
    line = Text.assemble(
        (f"{result.level:<6}", result.level), "  ", (result.check, "bold"), f": {result.says}"
    )
    if result.advice:
        line.append(f"\n        -> {result.advice}")
    return line
