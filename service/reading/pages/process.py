"""A decoder process as seen from the worker: sends a file, receives its pages or a refusal."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import structlog

from service.errors import DocumentError, EngineError
from service.reading.ocr.engine import ColourImage, Image
from service.reading.pages.decoder.limits import DEADLINE, MAX_PAGES, MAX_SIDE
from service.reading.pages.decoder.protocol import (
    ANSWER,
    COLOUR,
    DONE,
    FAIL,
    FILE,
    PAGE,
    receive,
    receive_into,
)
from service.reading.pages.exif_orientation import apply_orientation
from service.reading.pages.refusals import REFUSALS, refusal

log = structlog.get_logger(__name__)

#: Signals that end the process because of the file, with the refusal of each: CPU time exceeded, or a crash
#: or lack of memory in C code.
_FILE_FAULTS: dict[int, str] = {
    signal.SIGPROF: "file_takes_too_long",
    signal.SIGABRT: "file_breaks_decoder",
    signal.SIGBUS: "file_breaks_decoder",
    signal.SIGFPE: "file_breaks_decoder",
    signal.SIGILL: "file_breaks_decoder",
    signal.SIGSEGV: "file_breaks_decoder",
    signal.SIGTRAP: "file_breaks_decoder",
}

#: Length limit of a refusal's code in bytes.
MAX_CODE_LENGTH = max(map(len, REFUSALS))

#: Environment variables needed to find libraries. Others are not passed on, because they contain passwords.
_INHERITED_VARIABLES = ("LD_LIBRARY_PATH", "LANG", "LC_ALL", "PATH", "PYTHONHOME")

#: Settings of glibc's allocator (mallopt(3)) in bytes: memory of one ordinary picture is kept for the next
#: one. Returning and requesting it again took longer than decoding a small picture (8.6 instead of 3.2 ms of
#: CPU time).
_ALLOCATOR_SETTINGS = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "67108864"}


class DecoderKilledError(EngineError):
    """Somebody else killed the process by SIGKILL, as the kernel does when memory runs out."""

    def __init__(self) -> None:
        super().__init__("the decoder was killed")
        #: Pages that were decoded before.
        self.pages: list[Image] = []


class DecoderProcess:
    """Decodes one file at a time. Not thread-safe.

    Raises:
        EngineError: the process cannot be started.
    """

    def __init__(self) -> None:
        #: Whether the process can take the next file.
        self.ready = True
        self._connection, decoder_end = socket.socketpair()
        with decoder_end:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-W", "ignore", "-m", "decoder", str(decoder_end.fileno())],
                    env=_environment(),
                    # Never written to. It closes when this process ends, and then the decoder ends too.
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[decoder_end.fileno()],
                )
            except OSError as error:
                self._connection.close()
                raise EngineError(f"the decoder could not be started: {type(error).__name__}") from None

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def decode(self, content: bytes, rendition: bytes) -> list[Image] | list[ColourImage]:
        """Return a file's pages in grey, or small in colour.

        If the process dies of a page after the first, the pages before it are returned.

        Raises:
            DocumentError: the file cannot be read.
            DecoderKilledError: the process was killed, which says nothing about the file.
            EngineError: the process stopped responding, or ended for a reason other than the file.
        """
        self.ready = False
        deadline = time.monotonic() + DEADLINE
        pages: list[Image] = []
        channels = 3 if rendition == COLOUR else 1
        try:
            self._send(content, rendition)
            while (page := self._next_page(deadline, channels)) is not None:
                if len(pages) == MAX_PAGES:
                    raise ValueError("invalid answer from the decoder")
                pages.append(page)
            if not pages:
                raise ValueError("invalid answer from the decoder")
        except DocumentError:
            self.ready = True
            raise
        except (EOFError, OSError, ValueError) as error:
            cause = self._kill_and_explain(error)
            if isinstance(cause, DecoderKilledError):
                cause.pages = pages
                raise cause from None
            if not pages:
                raise cause from None
        else:
            self.ready = True
        return pages

    def close(self) -> None:
        """Kill the process, and wait for its end."""
        self._kill()
        self._process.wait()

    def _send(self, content: bytes, rendition: bytes) -> None:
        self._connection.settimeout(DEADLINE)
        self._connection.sendall(FILE.pack(rendition, len(content)))
        self._connection.sendall(content)

    def _next_page(self, deadline: float, channels: int) -> Image | None:
        self._connection.settimeout(max(0.001, deadline - time.monotonic()))
        tag, first, second, orientation = ANSWER.unpack(receive(self._connection, ANSWER.size))
        if tag == DONE:
            return None
        if tag == FAIL and first <= MAX_CODE_LENGTH:
            raise refusal(receive(self._connection, first).decode())
        if tag != PAGE or not 0 < first <= MAX_SIDE or not 0 < second <= MAX_SIDE:
            raise ValueError("invalid answer from the decoder")
        shape = (first, second) if channels == 1 else (first, second, channels)
        page = np.empty(shape, np.uint8)
        receive_into(self._connection, page.data.cast("B"))
        return apply_orientation(page, orientation)

    def _kill(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._connection.close()
        # A process that already ends keeps its exit code. Popen.kill would also discard its resource usage.
        if self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGKILL)

    def _kill_and_explain(self, error: Exception) -> DocumentError | EngineError:
        """Kill the process and return the error: a refusal if the file is the cause, else an engine error."""
        self._kill()
        _, status, usage = os.wait4(self._process.pid, 0)
        code = self._process.returncode = os.waitstatus_to_exitcode(status)
        log.warning(
            "decoder_ended",
            error=type(error).__name__,
            exit_code=code,
            cpu_s=round(usage.ru_utime + usage.ru_stime, 1),
        )
        if isinstance(error, ValueError):
            return refusal("file_breaks_decoder")
        if -code in _FILE_FAULTS:
            return refusal(_FILE_FAULTS[-code])
        # We kill it ourselves only when it does not answer in time.
        if -code == signal.SIGKILL and not isinstance(error, TimeoutError):
            return DecoderKilledError()
        return EngineError(f"the decoder ended with exit code {code} ({type(error).__name__})")


def _environment() -> dict[str, str]:
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    return {**inherited, **_ALLOCATOR_SETTINGS, "PYTHONPATH": os.pathsep.join(paths)}
