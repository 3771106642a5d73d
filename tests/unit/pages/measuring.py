"""What it costs to read a file: in a decoder of its own, so that nothing else is counted."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
from structlog.testing import capture_logs

from service.errors import DocumentError
from service.ocr.engine import Image
from service.pages import read_pages
from service.pages.pool import pool


@dataclass(frozen=True, slots=True)
class Measured:
    """How one file was answered, and what that took."""

    pages: list[Image]
    #: The refusal's code and what the user is told; empty when there are pages.
    code: str
    text: str
    #: s by the clock, and of processor time of the decoder; its start counts in both.
    seconds: float
    cpu: float
    #: MiB of memory that the decoder held at its highest; 0 when none was needed.
    peak: int


def decoders() -> list[psutil.Process]:
    """The decoder processes of this process."""
    found = []
    for child in psutil.Process().children():
        try:
            if "decoder" in child.cmdline():
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def measured(content: bytes) -> Measured:
    pool().close()
    started = time.monotonic()
    pages, code, text = [], "", ""
    with capture_logs() as logs, _MemoryMeter() as memory:
        try:
            pages = read_pages(content)
        except DocumentError as error:
            code, text = error.code, str(error)
        seconds = time.monotonic() - started
    cpu = sum(entry["cpu_s"] for entry in logs)
    for decoder in decoders():
        times = decoder.cpu_times()
        cpu = times.user + times.system
    return Measured(pages, code, text, seconds, cpu, memory.peak)


class _MemoryMeter:
    """Looks at the decoder while it works: what the kernel says of an ended one counts its parent too."""

    #: s between two looks.
    STEP = 0.005

    def __init__(self) -> None:
        self.peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._done.wait(self.STEP):
            self._look()

    def _look(self) -> None:
        for decoder in decoders():
            with suppress(OSError, IndexError):
                status = Path(f"/proc/{decoder.pid}/status").read_text()
                self.peak = max(self.peak, int(status.split("VmHWM:")[1].split()[0]) // 1024)
