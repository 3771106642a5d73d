"""The OCR engine: its models, whether it reads, and whether a GPU reads the same."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from service.errors import DeviceError, EngineError
from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.reading.ocr.gpu_probe import probe_gpu
from service.reading.ocr.loading import load_engine, warm_up
from service.settings import Settings

#: Where the shipped models lie, beside the list of their hashes.
MODELS = Path(__file__).parents[2] / "reading" / "ocr" / "models"


def check_models(settings: Settings, folder: Path = MODELS) -> Iterator[CheckResult]:
    """Compare every model with its hash in SHA256SUMS."""
    if settings.driver != "onnx":
        yield passed("models", "none are needed by Tesseract")
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
            wrong.append(f"{name} is another one")
    if wrong:
        yield fail("models", "; ".join(wrong), "run `make models`, or install the package anew")
    else:
        yield passed("models", f"all {len(listed)} are those in SHA256SUMS")


def check_engine(settings: Settings) -> Iterator[CheckResult]:
    """Let the engine read its first picture on the CPU.

    Raises:
        SettingsError: something that it needs is missing.
    """
    try:
        text = warm_up(load_engine(settings.driver))
    except EngineError as error:
        yield fail("engine", f"{settings.driver} broke: {type(error).__name__}", "install the package anew")
        return
    if not text.strip():
        yield fail(
            "engine", f"{settings.driver} reads nothing off the test picture", "install the package anew"
        )
    elif settings.driver == "tesseract":
        yield warn("engine", "tesseract reads, but badly", "set OCR_GPU_DRIVER=onnx")
    else:
        yield passed("engine", f"{settings.driver} reads")


def check_gpu(settings: Settings) -> Iterator[CheckResult]:
    """Let a GPU read what the CPU read, when one is wanted.

    Raises:
        SettingsError: the engine lacks something.
        EngineError: the CPU's engine broke, which its own check tells.
    """
    if not settings.gpu_enabled:
        yield passed("gpu", "none is asked for (OCR_GPU_ENABLED is false)")
        return
    try:
        probe_gpu(settings, warm_up(load_engine(settings.driver)))
    except DeviceError as error:
        if settings.auto_fallback:
            yield warn("gpu", f"not used: {error}", "mend that; meanwhile the CPU reads")
        else:
            yield fail(
                "gpu", f"not used: {error}", "mend that, or let the CPU read with OCR_GPU_AUTOFALLBACK=true"
            )
    else:
        yield passed("gpu", "it reads what the CPU reads")
