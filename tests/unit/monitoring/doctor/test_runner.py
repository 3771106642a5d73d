"""The checks' runner: a check that hangs or crashes is a line like any other, and no secret is shown."""

import ctypes
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.errors import SettingsError
from service.monitoring.doctor.check_result import CheckResult, fail, passed, without_secrets
from service.monitoring.doctor.engine import MODELS, check_engine, check_gpu, check_models
from service.monitoring.doctor.machine import check_disk
from service.monitoring.doctor.runner import POSTGRESQL, REDIS, Check, run_checks
from service.settings import Settings


def pass_at_once(settings: Settings) -> Iterator[CheckResult]:
    yield passed("well", "all is well")


def hang(settings: Settings) -> Iterator[CheckResult]:
    signal.pause()
    yield passed("hang", "never said")


def hang_in_c(settings: Settings) -> Iterator[CheckResult]:
    # Unlike CDLL, PyDLL keeps Python's lock: no thread of the process could speak any more.
    ctypes.PyDLL(None).sleep(600)
    yield passed("hang in C", "never said")


def die(settings: Settings) -> Iterator[CheckResult]:
    signal.raise_signal(signal.SIGKILL)
    yield passed("die", "never said")


def stumble(settings: Settings) -> Iterator[CheckResult]:
    yield passed("stumble", json.loads("hunter2 is no JSON"))


def lack(settings: Settings) -> Iterator[CheckResult]:
    raise SettingsError("REDIS_URL is not set")


def chatter(settings: Settings) -> Iterator[CheckResult]:
    print("a library's chatter")
    yield passed("chatter", "done")


def test_a_check_that_hangs_is_ended_and_the_others_are_reported() -> None:
    checks = [Check("hang", hang, 0.1), Check("hang in C", hang_in_c, 0.1), Check("well", pass_at_once)]

    hung, hung_in_c, fine = run_checks(Settings(), checks)

    assert (hung.level, hung_in_c.level, fine.level) == ("red", "red", "green")
    assert "no answer" in hung.says
    assert "no answer" in hung_in_c.says


def test_a_check_that_dies_or_breaks_is_a_red_line() -> None:
    checks = [
        Check("die", die),
        Check("stumble", stumble),
        Check("lack", lack),
        Check("well", pass_at_once),
    ]

    died, stumbled, lacked, fine = run_checks(Settings(), checks)

    assert (died.level, stumbled.level, lacked.level, fine.level) == ("red", "red", "red", "green")
    assert "JSONDecodeError" in stumbled.says
    assert "hunter2" not in stumbled.says
    assert lacked.says == "REDIS_URL is not set"


def test_output_of_libraries_is_discarded(capfd: pytest.CaptureFixture[str]) -> None:
    results = list(run_checks(Settings(), [Check("chatter", chatter)]))

    assert [result.says for result in results] == ["done"]
    assert capfd.readouterr().out == ""


def test_secrets_are_masked_wherever_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://filot:hun%40ter2@db/filot")
    monkeypatch.setenv("BULI2_API_KEY", "key-of-ours")
    quoting = fail("any", "password hun@ter2 or hun%40ter2", "with key-of-ours")

    shown = without_secrets(quoting, Settings())

    assert (shown.says, shown.advice) == ("password *** or ***", "with ***")


@pytest.fixture
def onnx(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("OCR_GPU_DRIVER", "onnx")
    return Settings()


def test_the_shipped_models_are_the_listed_ones(onnx: Settings) -> None:
    (result,) = check_models(onnx)

    assert result.level == "green"


def test_a_changed_and_a_missing_model_are_both_named(onnx: Settings, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(MODELS, models)
    (models / "detector.onnx").write_bytes(b"another")
    (models / "recogniser.onnx").unlink()

    (result,) = check_models(onnx, models)

    assert result.level == "red"
    assert "detector.onnx has another hash" in result.says
    assert "recogniser.onnx cannot be read" in result.says
    assert "make models" in result.advice


def test_the_engine_reads(onnx: Settings) -> None:
    (result,) = check_engine(onnx)

    assert (result.level, result.says) == ("green", "onnx works")


def test_a_gpu_that_is_wanted_and_missing_is_yellow_while_the_cpu_may_read(
    onnx: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NVIDIA_VISIBLE_DEVICES", "none")
    (unwanted,) = check_gpu(Settings())
    monkeypatch.setenv("OCR_GPU_ENABLED", "true")
    (wanted,) = check_gpu(Settings())
    monkeypatch.setenv("OCR_GPU_AUTOFALLBACK", "false")
    (needed,) = check_gpu(Settings())

    assert (unwanted.level, wanted.level, needed.level) == ("green", "yellow", "red")
    assert "hides every GPU" in wanted.says
    assert "OCR_GPU_AUTOFALLBACK" in needed.advice


def test_a_full_disk_is_reported_before_and_when_it_is_full(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free // 2**20

    levels = [
        next(iter(check_disk(Settings(), tmp_path, low, too_low))).level
        for low, too_low in ((0, 0), (2 * free, 0), (3 * free, 2 * free))
    ]

    assert levels == ["green", "yellow", "red"]


def test_a_folder_for_temporary_files_that_is_gone_is_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    monkeypatch.setattr("tempfile.tempdir", str(gone))

    *_, temporary = check_disk(Settings())

    assert temporary.level == "red"
    assert "TMPDIR" in temporary.advice


def test_a_server_that_is_not_named_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1/none")
    checks = [
        Check("redis", pass_at_once, servers=REDIS),
        Check("postgresql", pass_at_once, servers=POSTGRESQL),
        Check("both", pass_at_once, servers=(*REDIS, *POSTGRESQL)),
    ]

    results = list(run_checks(Settings(), checks))

    assert len(results) == 1
