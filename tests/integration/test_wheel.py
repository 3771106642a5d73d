"""The wheel holds the service alone, and what it holds is enough to run."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

#: Packages of the repository that are not for production; an import of one ends the program.
ABSENT = ("devstack", "tools", "bench", "tests")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's packages."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed: Path, program: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in this Python with the wheel's packages in place of the repository's."""
    hidden = "".join(f"sys.modules[{name!r}] = None; " for name in ABSENT)
    return subprocess.run(
        [sys.executable, "-c", f"import sys; {hidden}{program}"],
        cwd=installed,
        env={**os.environ, **environment, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_holds_the_service_with_its_models_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"service"}
    assert len([name for name in names if name.endswith(".onnx")]) == 6
    assert [name for name in names if name.startswith("service/store/") and name.endswith(".sql")]
    assert [name for name in names if name.startswith("service/queue/lua/") and name.endswith(".lua")]
    assert not [name for name in names if "test" in Path(name).name]


def test_the_command_line_of_the_wheel_lists_its_commands(installed: Path) -> None:
    ended = run(installed, "sys.argv = ['filot-ocr', '--help']; import service.cli; service.cli.main()")

    assert ended.returncode == 0, ended.stderr
    assert "worker" in ended.stdout
    assert "doctor" in ended.stdout


def test_the_worker_of_the_wheel_loads(installed: Path, environment: dict[str, str]) -> None:
    ended = run(installed, "import service.worker; print(service.__file__)", **environment)

    assert ended.returncode == 0, ended.stderr
    assert Path(ended.stdout.splitlines()[-1]) == installed / "service" / "__init__.py"


def test_a_command_of_the_development_stack_says_what_is_missing(installed: Path) -> None:
    ended = run(installed, "sys.argv = ['filot-ocr', 'demo']; import service.cli; service.cli.main()")

    assert ended.returncode != 0
    assert "come with the source repository" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
