"""The OCR engine: its models, a first reading on the CPU, and the same on the GPU."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from service.errors import DeviceError, EngineError
from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.reading.ocr.gpu_probe import probe_gpu
from service.reading.ocr.loading import load_engine, warm_up
from service.settings import Settings

#: The folder of the shipped models and the list of their hashes.
MODELS = Path(__file__).parents[2] / "reading" / "ocr" / "models"


def check_models(settings: Settings, folder: Path = MODELS) -> Iterator[CheckResult]:
    """Compare every model with its hash in SHA256SUMS."""
    if settings.driver != "onnx":
        yield passed("models", "Tesseract needs none")
        return
    wrong = []
    listed = [line.split() for line in (folder / "SHA256SUMS").read_text().splitlines()]
    for expected, name in listed:
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            wrong.append(f"{name} cannot be read ({error.strerror})")
            continue
        if found != expected:
            wrong.append(f"{name} has another hash")
    if wrong:
        yield fail("models", "; ".join(wrong), "run `make models`, or reinstall the package")
    else:
        yield passed("models", f"all {len(listed)} match SHA256SUMS")


def check_engine(settings: Settings) -> Iterator[CheckResult]:
    """Let the engine read its test picture on the CPU.

    Raises:
        SettingsError: something that it needs is missing.
    """
    try:
        text = warm_up(load_engine(settings.driver))
    except EngineError as error:
        yield fail("engine", f"{settings.driver} failed: {type(error).__name__}", "reinstall the package")
        return
    if not text.strip():
        yield fail("engine", f"{settings.driver} reads nothing on the test picture", "reinstall the package")
    elif settings.driver == "tesseract":
        yield warn("engine", "tesseract works, but reads much worse than onnx", "set OCR_GPU_DRIVER=onnx")
    else:
        yield passed("engine", f"{settings.driver} works")


def check_gpu(settings: Settings) -> Iterator[CheckResult]:
    """Let the GPU read what the CPU read, where one is enabled.

    Raises:
        SettingsError: the engine lacks something.
        EngineError: the engine fails on the CPU, which its own check reports.
    """
    if not settings.gpu_enabled:
        yield passed("gpu", "not enabled (OCR_GPU_ENABLED is false)")
        return
    try:
        probe_gpu(settings, warm_up(load_engine(settings.driver)))
    except DeviceError as error:
        if settings.auto_fallback:
            yield warn("gpu", f"not used: {error}", "fix that; meanwhile the worker runs on the CPU")
        else:
            yield fail(
                "gpu", f"not used: {error}", "fix that, or allow the CPU with OCR_GPU_AUTOFALLBACK=true"
            )
    else:
        yield passed("gpu", "it reads the same as the CPU")
