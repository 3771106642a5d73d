"""Programs that some tests need and a machine may not have: `@pytest.mark.programs("tesseract")`.

Such tests are skipped without their program; with ``--require-programs`` (`make test-programs`) they fail.
The run ends with three lines about what was skipped: which tests, why, and how to run them.
"""

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

#: The languages that Indonesian cards are read in.
LANGUAGES = ("ind", "eng")

#: The tests that use the libraries of FiLot's backend, and the example that does.
BACKEND = Path(__file__).parents[1] / "acceptance" / "backend"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is not a Python package.

    ``missing`` returns what of it this machine lacks, empty for nothing; ``packages`` are Debian's, empty for
    what `make test-programs` installs by itself.
    """

    name: str
    missing: Callable[[], str]
    packages: str


def find(name: str) -> str | None:
    """Return the path of a program on PATH or among the system's; None when there is none."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


@cache
def _missing_tesseract() -> str:
    if shutil.which("tesseract") is None:
        return "tesseract not on PATH"
    listed = subprocess.run(["tesseract", "--list-langs"], check=True, capture_output=True, text=True)
    missing = [language for language in LANGUAGES if language not in listed.stdout.split()]
    return f"tesseract has no language {' and '.join(missing)}" if missing else ""


def _missing_libraries(folder: Path) -> Callable[[], str]:
    def missing() -> str:
        return (
            "" if (folder / "node_modules").is_dir() else f"Node.js libraries of {folder.name} not installed"
        )

    return missing


def _missing(*names: str) -> Callable[[], str]:
    def missing() -> str:
        absent = [name for name in names if find(name) is None]
        return f"{' and '.join(absent)} not on PATH" if absent else ""

    return missing


PROGRAMS = {
    "tesseract": Program(
        "Tesseract", _missing_tesseract, "tesseract-ocr tesseract-ocr-ind tesseract-ocr-eng"
    ),
    "browser": Program("a browser", _missing("chromium", "chromedriver"), "chromium chromium-driver"),
    "pgbouncer": Program("PgBouncer", _missing("pgbouncer"), "pgbouncer"),
    "node": Program("Node.js", _missing("node", "npm"), "nodejs npm"),
    "backend": Program("the backend's libraries", _missing_libraries(BACKEND), ""),
    "examples": Program("the example's libraries", _missing_libraries(EXAMPLES), ""),
}

#: How to run what is skipped for another reason, by a part of that reason.
OTHERWISE = {"built without CUDA": "make test-cuda", "could not import 'temporalio'": "make test-temporal"}

OPTION = "--require-programs"


def add_option(parser: pytest.Parser) -> None:
    """Add the option that makes a missing program a failure."""
    parser.addoption(OPTION, action="store_true", help="fail, not skip, tests whose program is missing")


def check(item: pytest.Item) -> None:
    """Skip a test whose program is missing, or fail it where that was asked for."""
    for marker in item.iter_markers("programs"):
        for name in marker.args:
            if reason := PROGRAMS[name].missing():
                if item.config.getoption(OPTION):
                    pytest.fail(f"{reason}: apt-get install {PROGRAMS[name].packages}", pytrace=False)
                pytest.skip(reason)


def summary(reports: list[pytest.TestReport]) -> list[str]:
    """Return three lines about skipped tests: how many of which files, why, and how to run them."""
    if not reports:
        return []
    files = Counter(report.nodeid.partition("::")[0].removeprefix("tests/") for report in reports)
    reasons = Counter(_reason(report) for report in reports)
    missing = [each for each in PROGRAMS.values() if each.missing() in reasons]
    packages = " ".join(filter(None, (each.packages for each in missing)))
    installed = f"apt-get install {packages}, then " if packages else ""
    ways = [f"{installed}make test-programs"] if missing else []
    ways += [way for part, way in OTHERWISE.items() if any(part in reason for reason in reasons)]
    return [
        f"{len(reports)} skipped: {', '.join(f'{file} ({count})' for file, count in files.items())}",
        f"because: {'; '.join(f'{reason} ({count})' for reason, count in reasons.items())}",
        f"to run them: {'; '.join(ways) or 'another machine is needed'}",
    ]


def _reason(report: pytest.TestReport) -> str:
    assert isinstance(report.longrepr, tuple)
    return str(report.longrepr[2]).removeprefix("Skipped: ")
