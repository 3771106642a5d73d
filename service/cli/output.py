"""Output and exit codes that all commands share."""

import json
import sys
from datetime import datetime
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

# Lines for a pipe or a file are never wrapped, so that `grep` finds whole ids.
console = Console() if sys.stdout.isatty() else Console(width=250)

#: Exit codes: the input is at fault; the settings or a server are at fault; the command was interrupted.
EXIT_INPUT, EXIT_ENVIRONMENT, EXIT_INTERRUPTED = 1, 2, 130


def print_line(text: str) -> None:
    """Print one line as it is: brackets in an id are no markup."""
    console.print(text, markup=False, highlight=False)


def print_json(value: Any) -> None:
    """Print a value as indented JSON; text that is not ASCII stays readable."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def local_time(moment: datetime) -> str:
    """Return a time for people: in the time zone of this machine, which it names."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M %Z}"


def whole(heading: str) -> Column:
    """Return a table's column of values that are never cut or wrapped, such as ids."""
    return Column(heading, no_wrap=True, overflow="ignore")


def exit_with(reason: str, code: int) -> NoReturn:
    """End the command with one line on stderr."""
    print(f"filot-ocr: {reason}", file=sys.stderr)
    sys.exit(code)


def confirm(question: str) -> None:
    """Ask before something is changed; end the command when the answer is no, or nobody is there to ask."""
    if not sys.stdin.isatty():
        exit_with(f"{question} Nobody can be asked without a terminal: give --yes", EXIT_INPUT)
    typer.confirm(question, abort=True)


def progress_bar() -> Progress:
    """Return a progress bar that is drawn on a terminal and nowhere else."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
