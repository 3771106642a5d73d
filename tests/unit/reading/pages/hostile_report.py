"""The table of hostile files: what each took and what became of it. `make hostile` writes it."""

from pathlib import Path

import pytest

from bench.machine import describe_machine
from bench.markdown import replace_block
from tests.unit.reading.pages.measuring import Measured

#: Name of a test's property that holds a row of the table.
ROW = "hostile file"

#: Name of the block in a page, and the option that names the page.
BLOCK, OPTION = "hostile-files", "--hostile-markdown"

HEAD = ("file", "bytes", "seconds", "CPU s", "MiB", "what became of it")


def row(name: str, size: int, result: Measured) -> tuple[str, ...]:
    """Return what ``HEAD`` says about one file."""
    shapes = ", ".join(f"{page.image.shape[1]} x {page.image.shape[0]}" for page in result.pages)
    outcome = f"`{result.code}`: {result.text}" if result.code else f"read: {shapes}"
    return (name, f"{size:,}", f"{result.seconds:.1f}", f"{result.cpu:.1f}", str(result.peak), outcome)


def add_option(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, type=Path, help="page with markers to put the table of hostile files into")


def write(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table and put it into the page of ``OPTION``; reports of other processes come here, too."""
    page: Path | None = config.getoption(OPTION)
    if page is None:
        return
    reports = [report for of_kind in ("passed", "failed") for report in terminalreporter.getreports(of_kind)]
    table = markdown(
        sorted(value for report in reports for name, value in report.user_properties if name == ROW)
    )
    terminalreporter.section("hostile files")
    terminalreporter.write_line(table)
    machine = ", ".join(f"{name} {value}" for name, value in describe_machine().items())
    replace_block(page, BLOCK, f"{table}\n\nMeasured on: {machine}.")


def markdown(rows: list[tuple[str, ...]]) -> str:
    """Return a table of ``HEAD`` and rows."""
    lines = [HEAD, ("---", "---:", "---:", "---:", "---:", "---"), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
