"""`doctor`: everything that a worker needs, a line a check, and what to do about each red one."""

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from service.cli.output import BAD_INPUT, console, print_json
from service.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.monitoring.doctor.check_result import Finding


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Check settings, servers, engine and machine, and say what to do; 1 when any line is red."""
    findings = []
    for finding in _examine():
        findings.append(finding)
        if not as_json:
            console.print(_line(finding))
    levels = Counter(finding.level for finding in findings)
    if as_json:
        counts = {level: levels[level] for level in ("red", "yellow", "green")}
        print_json({**counts, "checks": [asdict(finding) for finding in findings]})
    else:
        console.print(f"{levels['red']} red, {levels['yellow']} yellow, {levels['green']} green")
    if levels["red"]:
        raise typer.Exit(BAD_INPUT)


def _examine() -> "Iterator[Finding]":
    from service.monitoring.doctor.check_result import red
    from service.monitoring.doctor.runner import examine
    from service.settings import load_settings

    try:
        settings = load_settings()
    except SettingsError as error:
        yield red("settings", str(error), "correct it; nothing else can be looked at before")
        return
    yield from examine(settings)


def _line(finding: "Finding") -> Text:
    line = Text.assemble(
        (f"{finding.level:<6}", finding.level), "  ", (finding.check, "bold"), f": {finding.says}"
    )
    if finding.advice:
        line.append(f"\n        -> {finding.advice}")
    return line
