"""One decoder process, seen from the worker: a file goes out, pages or the reason why not come back."""

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
    COLOURS,
    DONE,
    FAIL,
    FILE,
    PAGE,
    receive,
    receive_into,
)
from service.reading.pages.exif_orientation import turned
from service.reading.pages.refusals import REFUSALS, refusal

log = structlog.get_logger(__name__)

#: What may end the process and is the file's doing: its time was up, or C code broke, or ran out of memory.
_FILE_AT_FAULT: dict[int, str] = {
    signal.SIGPROF: "file_takes_too_long",
    signal.SIGABRT: "file_breaks_decoder",
    signal.SIGBUS: "file_breaks_decoder",
    signal.SIGFPE: "file_breaks_decoder",
    signal.SIGILL: "file_breaks_decoder",
    signal.SIGSEGV: "file_breaks_decoder",
    signal.SIGTRAP: "file_breaks_decoder",
}

#: Bytes of a refusal's code.
MAX_CODE_LENGTH = max(map(len, REFUSALS))

#: Variables that a program needs to find its libraries. It gets no other: they hold passwords.
_INHERITED = ("LD_LIBRARY_PATH", "LANG", "LC_ALL", "PATH", "PYTHONHOME")

#: glibc's names (mallopt(3), bytes): what one ordinary picture used is kept for the next. To give it back and
#: ask for it again took longer than decoding a small one (8.6 ms of processor time instead of 3.2).
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "67108864"}


class DecoderProcess:
    """Decodes one file after another, at the call of one thread at a time.

    Raises:
        EngineError: the machine cannot start a process.
    """

    def __init__(self) -> None:
        #: Whether the next file can be sent.
        self.ready = True
        self._connection, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-W", "ignore", "-m", "decoder", str(theirs.fileno())],
                    env=_environment(),
                    # The lifeline: nothing is written to it, and it closes with this process.
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
            except OSError as error:
                self._connection.close()
                raise EngineError(f"no decoder could be started: {type(error).__name__}") from None

    @property
    def pid(self) -> int:
        """The process' id."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Whether the process is gone, as one without work may be."""
        return self._process.poll() is not None

    def decode(self, content: bytes, wanted: bytes) -> list[Image] | list[ColourImage]:
        """Return a file's pages, in grey or small in colour; when the process dies of one, those before it.

        Raises:
            DocumentError: the file cannot be read.
            EngineError: something else than the file ended the process, or it stood still.
        """
        self.ready = False
        deadline = time.monotonic() + DEADLINE
        pages: list[Image] = []
        channels = 3 if wanted == COLOURS else 1
        try:
            self._send(content, wanted)
            while (page := self._next_page(deadline, channels)) is not None:
                if len(pages) == MAX_PAGES:
                    raise ValueError("the decoder talks nonsense")
                pages.append(page)
            if not pages:
                raise ValueError("the decoder talks nonsense")
        except DocumentError:
            self.ready = True
            raise
        except (EOFError, OSError, ValueError) as error:
            cause = self._end(error)
            if not pages:
                raise cause from None
        else:
            self.ready = True
        return pages

    def close(self) -> None:
        """End the process, whatever it does."""
        self._hang_up()
        self._process.wait()

    def _send(self, content: bytes, wanted: bytes) -> None:
        self._connection.settimeout(DEADLINE)
        self._connection.sendall(FILE.pack(wanted, len(content)))
        self._connection.sendall(content)

    def _next_page(self, deadline: float, channels: int) -> Image | None:
        self._connection.settimeout(max(0.001, deadline - time.monotonic()))
        kind, first, second, orientation = ANSWER.unpack(receive(self._connection, ANSWER.size))
        if kind == DONE:
            return None
        if kind == FAIL and first <= MAX_CODE_LENGTH:
            raise refusal(receive(self._connection, first).decode())
        if kind != PAGE or not 0 < first <= MAX_SIDE or not 0 < second <= MAX_SIDE:
            raise ValueError("the decoder talks nonsense")
        shape = (first, second) if channels == 1 else (first, second, channels)
        page = np.empty(shape, np.uint8)
        receive_into(self._connection, page.data.cast("B"))
        return turned(page, orientation)

    def _hang_up(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._connection.close()
        # A process that is ending already keeps its cause. (Popen.kill would also throw away what it used.)
        if self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGKILL)

    def _end(self, error: Exception) -> DocumentError | EngineError:
        """Make sure that the process is gone, and return whose fault it was."""
        self._hang_up()
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
        if -code in _FILE_AT_FAULT:
            return refusal(_FILE_AT_FAULT[-code])
        return EngineError(f"the decoder ended with {code} ({type(error).__name__})")


def _environment() -> dict[str, str]:
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, **_ALLOCATOR, "PYTHONPATH": os.pathsep.join(paths)}
