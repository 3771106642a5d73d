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
from service.reading.ocr.engine import Page
from service.reading.pages import close_decoders, read_pages


@dataclass(frozen=True, slots=True)
class Measured:
    """How one file was answered, and what that took."""

    pages: list[Page]
    #: The refusal's code and what the user is told; empty when there are pages.
    code: str
    text: str
    #: s by the clock, and of processor time of the decoder; its start counts in both.
    seconds: float
    cpu: float
    #: MiB of memory at their highest: the decoder's, and what this process took on top of what it had.
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
    close_decoders()
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
    """Looks at both processes meanwhile: what the kernel says of an ended one counts its parent too."""

    #: s between two looks.
    STEP = 0.005

    def __init__(self) -> None:
        self._decoder = self._own = 0
        self._this = psutil.Process()
        self._before = self._this.memory_info().rss
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

    @property
    def peak(self) -> int:
        """MiB."""
        return self._decoder + self._own

    def _look(self) -> None:
        self._own = max(self._own, (self._this.memory_info().rss - self._before) >> 20)
        for decoder in decoders():
            with suppress(OSError, IndexError):
                status = Path(f"/proc/{decoder.pid}/status").read_text()
                self._decoder = max(self._decoder, int(status.split("VmHWM:")[1].split()[0]) >> 10)
