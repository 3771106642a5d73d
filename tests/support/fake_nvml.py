"""NVIDIA's management library on a machine that has a GPU, as far as the service asks it.

Names, values and parameters are the real library's: a call that it does not know fails here, too.
"""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import signature
from types import SimpleNamespace
from typing import Any

import pytest


class NVMLError(Exception):
    """As pynvml's."""


class NVMLTimeoutError(NVMLError):
    """As pynvml's NVMLError_Timeout."""


@dataclass
class FakeNvml:
    """What it says; changed by a test while the service runs."""

    free: int = 8 * 2**30
    total: int = 16 * 2**30
    #: As `nvmlSystemGetCudaDriverVersion` has it.
    cuda: int = 12040
    #: Xid events that nobody has heard of yet.
    xids: list[int] = field(default_factory=list)
    #: Uncorrectable errors since the driver was loaded.
    ecc_errors: int = 0
    #: Whether rows of memory wait for a reset to be replaced.
    rows_pending: int = 0
    #: Said by every call from now on.
    failure: str = ""
    #: Calls that this GPU does not support.
    unsupported: tuple[str, ...] = ()
    #: The latest GPU that was asked for, by its number or UUID.
    asked_for: int | str | None = None
    #: Calls of `nvmlInit` less those of `nvmlShutdown`.
    opened: int = 0
    #: Calls of `nvmlInit`.
    initialisations: int = 0

    def call(self, name: str, *arguments: Any) -> Any:
        """Answer one call of the library."""
        if self.failure or name in self.unsupported:
            raise NVMLError(self.failure or "Not Supported")
        answers: dict[str, Callable[[], Any]] = {
            "nvmlInit": lambda: self._count(1),
            "nvmlShutdown": lambda: self._count(-1),
            "nvmlDeviceGetHandleByIndex": lambda: self._ask_for(arguments[0]),
            "nvmlDeviceGetHandleByUUID": lambda: self._ask_for(arguments[0]),
            "nvmlDeviceGetName": lambda: "Fake GPU",
            "nvmlSystemGetDriverVersion": lambda: "550.54",
            "nvmlSystemGetCudaDriverVersion": lambda: self.cuda,
            "nvmlDeviceGetMemoryInfo": lambda: SimpleNamespace(
                free=self.free, total=self.total, used=self.total - self.free
            ),
            "nvmlDeviceGetUtilizationRates": lambda: SimpleNamespace(gpu=50),
            "nvmlDeviceGetRemappedRows": lambda: (0, 0, self.rows_pending, 0),
            "nvmlDeviceGetRetiredPagesPendingStatus": lambda: 0,
            "nvmlDeviceGetTotalEccErrors": lambda: self.ecc_errors,
            "nvmlEventSetWait_v2": self._event,
        }
        return answers.get(name, object)()

    def _count(self, change: int) -> None:
        self.opened += change
        self.initialisations += change > 0

    def _ask_for(self, name: int | str) -> object:
        self.asked_for = name
        return object()

    def _event(self) -> Any:
        if not self.xids:
            raise NVMLTimeoutError("Timeout")
        return SimpleNamespace(eventData=self.xids.pop(0))


class _Module:
    """Stands for the module `pynvml`."""

    NVMLError = NVMLError
    NVMLError_Timeout = NVMLTimeoutError

    def __init__(self, nvml: FakeNvml, real: Any) -> None:
        self._nvml = nvml
        self._real = real

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if not callable(real):
            return real

        def call(*arguments: Any) -> Any:
            signature(real).bind(*arguments)
            return self._nvml.call(name, *arguments)

        return call


def install(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    """Let `import pynvml` find it until the test ends."""
    nvml = FakeNvml()
    real = importlib.import_module("pynvml")
    monkeypatch.setitem(sys.modules, "pynvml", _Module(nvml, getattr(real, "_real", real)))
    return nvml
