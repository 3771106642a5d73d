"""When a worker is started again, and what it is told."""

import json
import signal
import sys
from pathlib import Path

import pytest

from service.runtime import supervisor
from service.runtime.supervisor import (
    EXIT_CONFIGURATION,
    EXIT_GPU_GONE,
    EXIT_GPU_LOST,
    GPU_LOST_VARIABLE,
    STARTED_VARIABLE,
    _Supervisor,
)
from service.runtime.temp_folder import TempFolder


@pytest.fixture(autouse=True)
def quick_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.0)
    monkeypatch.setattr(supervisor, "MAX_DELAY", 0.01)


def worker(tmp_path: Path, *codes: int, at_end: str = "") -> list[str]:
    """A worker that writes down its variables, and ends with one exit code after the other."""
    code = f"""
import json, os, pathlib, sys
runs = pathlib.Path({str(tmp_path)!r}) / "runs"
with runs.open("a") as file:
    file.write(json.dumps(dict(os.environ)) + "\\n")
number = len(runs.read_text().splitlines())
{at_end}
sys.exit({codes!r}[number - 1])
"""
    return [sys.executable, "-c", code]


def runs(tmp_path: Path) -> list[dict[str, str]]:
    """The variables of each worker that ran."""
    return [json.loads(line) for line in (tmp_path / "runs").read_text().splitlines()]


@pytest.mark.parametrize("last", [EXIT_CONFIGURATION, EXIT_GPU_GONE])
def test_a_worker_is_started_again_unless_that_is_no_use(tmp_path: Path, last: int) -> None:
    code = _Supervisor(worker(tmp_path, 1, 0, 70, last), None, 1.0).run()

    assert code == last
    assert len(runs(tmp_path)) == 4


def test_a_worker_that_lost_its_gpu_is_started_again_and_told_since_when(tmp_path: Path) -> None:
    _Supervisor(worker(tmp_path, 1, EXIT_GPU_LOST, 1, EXIT_GPU_GONE), None, 1.0).run()

    first, second, third, fourth = runs(tmp_path)
    assert GPU_LOST_VARIABLE not in first
    assert GPU_LOST_VARIABLE not in second
    assert float(third[GPU_LOST_VARIABLE]) > float(third[STARTED_VARIABLE])
    assert fourth[GPU_LOST_VARIABLE] == third[GPU_LOST_VARIABLE]
    assert len({run[STARTED_VARIABLE] for run in runs(tmp_path)}) == 1


def test_the_operators_settings_of_libraries_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")

    _Supervisor(worker(tmp_path, EXIT_CONFIGURATION), None, 1.0).run()

    (run,) = runs(tmp_path)
    assert (run["MALLOC_ARENA_MAX"], run["OMP_NUM_THREADS"]) == ("4", "1")


def test_temporary_files_of_a_worker_are_gone_before_the_next_starts(tmp_path: Path) -> None:
    leave_a_picture = """
folder = pathlib.Path(os.environ["TMPDIR"])
(pathlib.Path(runs.parent) / "found").open("a").write(f"{len(list(folder.iterdir()))}\\n")
(folder / "picture.ppm").touch()
"""
    command = worker(tmp_path, 70, 70, EXIT_CONFIGURATION, at_end=leave_a_picture)

    with TempFolder(tmp_path) as folder:
        _Supervisor(command, folder, 1.0).run()
        left = list(folder.path.iterdir())

    assert (tmp_path / "found").read_text().split() == ["0", "0", "0"]
    assert left == []


def test_a_worker_started_after_the_signal_gets_it_too(tmp_path: Path) -> None:
    wait = "import time; time.sleep(600)"
    supervisor = _Supervisor(worker(tmp_path, 0, at_end=wait), None, 1.0)

    supervisor.on_signal(signal.SIGTERM, None)
    code = supervisor.run()

    assert code == -signal.SIGTERM
