"""docs/examples: its types are those of the schemas, and it has cards read by the real worker."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.backend import FilotBackend
from devstack.people import Person
from devstack.servers.worker import Worker
from tests.support.programs import EXAMPLES

pytestmark = [pytest.mark.programs("node", "examples"), pytest.mark.timeout(300)]


def node(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run Node.js in the example's folder; returns what it prints."""
    done = subprocess.run(
        ["node", *arguments],
        cwd=EXAMPLES,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_types_are_those_of_the_schemas(tmp_path: Path) -> None:
    node("make-types.mjs", str(tmp_path))

    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in (EXAMPLES / "types").iterdir()}, (
        "run `make types`"
    )


def test_the_type_checker_notices_a_wrong_use(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.ts"
    types = EXAMPLES / "types" / "result.js"
    wrong.write_text(
        f'import type {{ Failure }} from "{types}";\nexport const code: Failure["errorCode"] = "because";\n'
    )

    done = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--types", "node", str(wrong)],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert "'\"because\"' is not assignable" in done.stdout


def test_the_workflow_for_temporal_is_type_checked() -> None:
    checked = node("node_modules/typescript/bin/tsc", "--noEmit", "--listFiles")

    assert str(EXAMPLES / "verify-card.ts") in checked.splitlines()


def test_the_example_has_cards_read(
    start_worker: Callable[..., Worker],
    environment: dict[str, str],
    backend: FilotBackend,
    ktp: bytes,
    person: Person,
    tmp_path: Path,
) -> None:
    node("node_modules/typescript/bin/tsc", "--outDir", "build")
    good, bad = tmp_path / "good.jpg", tmp_path / "bad.png"
    good.write_bytes(ktp)
    bad.write_bytes(b"no picture")
    start_worker()

    printed = node("build/read-card.js", "KTP", str(good), str(bad), environment=environment)

    lines = [json.loads(line) for line in printed.splitlines()]
    results = {line["path"]: line for line in lines if "path" in line}
    rows = {line["documentId"]: line["row"] for line in lines if "row" in line}
    assert (results[str(good)]["outcome"], results[str(good)]["name"]) == ("auto_approved", person.name)
    assert (results[str(bad)]["errorCode"], results[str(bad)]["uploadAgain"]) == ("not_an_image", True)
    assert {
        results[path]["documentId"]: status
        for path, status in ((str(good), "completed"), (str(bad), "failed"))
    } == rows
    assert backend.row(results[str(good)]["documentId"])["file_url"].endswith(".jpg")
    assert backend.row(results[str(bad)]["documentId"])["file_url"].endswith(".png")


def test_a_file_that_is_not_there_is_one_line() -> None:
    node("node_modules/typescript/bin/tsc", "--outDir", "build")

    ended = subprocess.run(
        ["node", "build/read-card.js", "KTP", "missing.jpg"],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert ended.returncode == 1
    assert ended.stderr == "ENOENT: no such file or directory, open 'missing.jpg'\n"
