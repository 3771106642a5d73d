"""What commands load: a command that only looks must not wait for the libraries that read."""

import os
import subprocess
import sys

import pytest

#: Libraries that only reading a document needs, and those that only a worker needs.
READING = {"numpy", "cv2", "onnxruntime", "PIL", "pypdfium2", "pytesseract", "rapidfuzz"}
WORKER = {"dramatiq", "apscheduler", "boto3", "httpx", "redis", "psycopg2", "pydantic_settings"}

RUN = """
import sys
from service.cli import main
sys.argv = ["filot-ocr", *sys.argv[1:]]
try:
    main()
finally:
    print(*sorted({module.partition(".")[0] for module in sys.modules}), file=sys.stderr)
"""


def loaded(program: str, *arguments: str) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        # No Redis answers there: what is loaded to ask it counts.
        env={**os.environ, "REDIS_URL": "redis://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return set(ended.stderr.split())


def test_the_package_itself_loads_nothing() -> None:
    modules = loaded("import service, sys; print(*sys.modules, file=sys.stderr)")

    assert "service" in modules
    assert modules & (READING | WORKER) == set()


def test_a_status_loads_no_library_that_reads_documents_or_runs_jobs() -> None:
    modules = loaded(RUN, "status", "--json")

    assert "redis" in modules
    assert modules & (READING | {"dramatiq", "apscheduler", "boto3", "httpx"}) == set()


@pytest.mark.parametrize("arguments", [("--help",), ("read", "--help"), ("--version",)])
def test_help_loads_no_library_of_the_worker(arguments: tuple[str, ...]) -> None:
    modules = loaded(RUN, *arguments)

    assert "typer" in modules
    assert modules & (READING | WORKER) == set()
