"""The command line and the package's functions, as their users meet them."""

import dataclasses
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import service
from tests.golden import ROOT, shape

#: Runs several command lines in one process, which loads the libraries once; prints what each printed.
_SEVERAL = """
import contextlib, io, json, runpy, sys
printed = []
for arguments in json.loads(sys.stdin.read()):
    sys.argv, out = ["filot-ocr", *arguments], io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        runpy.run_module("service", run_name="__main__")
    printed.append(out.getvalue())
print(json.dumps(printed))
"""

#: Lines of a help page: a title, a command, an option, an argument.
_TITLE, _COMMAND = re.compile(r"^╭─ (\w+) "), re.compile(r"^│ ([a-z][\w-]*) ")
_OPTION = re.compile(r"^│ [* ]*(--[\w-]+) +(<[^>]+>)")
_ARGUMENT = re.compile(r"^│ [* ]*(\S+) +(<\S+>)")

_DEFAULT = re.compile(r"\[default: ([^\]]+)\]")


def plain_environment() -> dict[str, str]:
    """The environment without any setting of the service, and without what colours the output."""
    kept = ("PATH", "HOME", "PYTHONPATH", "TMPDIR", "LANG")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"COLUMNS": "250"}


def filot_ocr(*arguments: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env={**plain_environment(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def functions() -> dict[str, Any]:
    """What the package exports: parameters of functions, fields of dataclasses."""
    return {
        name: [field.name for field in dataclasses.fields(each)]
        if dataclasses.is_dataclass(each)
        else list(inspect.signature(each).parameters)
        for name in service.__all__
        for each in [getattr(service, name)]
    }


def commands() -> dict[str, Any]:
    """Every command with its arguments and options."""
    pages: dict[str, Any] = {}
    waiting: list[list[str]] = [[]]
    while waiting:
        printed = _several([[*path, "--help"] for path in waiting])
        for path, page in zip(waiting, printed, strict=True):
            pages[" ".join(["filot-ocr", *path])] = _read_help(page)
        waiting = [
            [*path, name]
            for path in waiting
            for name in pages[" ".join(["filot-ocr", *path])].get("commands", ())
        ]
    return pages


def _several(command_lines: list[list[str]]) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", _SEVERAL],
        cwd=ROOT,
        env=plain_environment(),
        input=json.dumps(command_lines),
        capture_output=True,
        text=True,
        check=True,
    )
    printed: list[str] = json.loads(ended.stdout)
    return printed


def _read_help(page: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    title = ""
    for line in page.splitlines():
        if match := _TITLE.match(line):
            title = match[1]
        elif title == "Commands" and (match := _COMMAND.match(line)):
            found.setdefault("commands", []).append(match[1])
        elif title == "Options" and (match := _OPTION.match(line)):
            found.setdefault("options", {})[match[1]] = _taken(match[2], line)
        elif title == "Arguments" and (match := _ARGUMENT.match(line)):
            found.setdefault("arguments", {})[match[1]] = _taken(match[2], line)
    return found


def _taken(kind: str, line: str) -> str:
    """What an option takes, as `<path>`, `<bool>, default: x` or `<int>, required`."""
    default = _DEFAULT.search(line)
    more = f", default: {default[1]}" if default else ", required" if "[required]" in line else ""
    return kind + more


def settings() -> dict[str, str]:
    """Default by variable, as `filot-ocr settings` has them where nothing is set."""
    header, *rows = filot_ocr("settings", environment={}).stdout.splitlines()
    start, end = header.index("default"), header.index("meaning")
    # A line that only goes on with a meaning names no variable.
    return {row.split()[0]: row[start:end].strip() for row in rows if row[:start].strip()}


def read_documents(
    environment: Mapping[str, str], cards: Mapping[str, bytes], folder: Path
) -> dict[str, Any]:
    """The keys of `filot-ocr read FILE --json`, by the type that is asked for."""
    found = {}
    for document_type, content in cards.items():
        file = folder / f"{document_type}.jpg"
        file.write_bytes(content)
        ended = filot_ocr("read", str(file), "--type", document_type, "--json", environment=environment)
        found[document_type] = shape(json.loads(ended.stdout))
    return found


def exit_codes(environment: Mapping[str, str], folder: Path) -> dict[str, int]:
    """How commands end, by what they meet."""
    broken = folder / "broken.jpg"
    broken.write_bytes(b"no picture")
    nobody = "00000000-0000-0000-0000-000000000000"
    asked: dict[str, tuple[list[str], dict[str, str]]] = {
        "all is well": (["--version"], {}),
        "a file that cannot be read": (["read", str(broken), "--type", "KTP"], {}),
        "an unknown document": (["enqueue", nobody], {}),
        "an unknown dead job": (["dead", "show", nobody], {}),
        "an unknown option": (["status", "--nonsense"], {}),
        "a setting that cannot be used": (["worker"], {"OCR_GPU_CONCURRENCY": "two"}),
        "no server named": (["worker"], {"REDIS_URL": ""}),
        "a server that is away": (["status"], {"REDIS_URL": "redis://127.0.0.1:1"}),
        "doctor with something red": (["doctor"], {"OCR_GPU_CONCURRENCY": "two"}),
    }
    return {
        name: filot_ocr(*arguments, environment={**environment, **changes}).returncode
        for name, (arguments, changes) in asked.items()
    }
