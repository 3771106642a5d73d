"""Pool of decoder processes: started on demand, reused, and replaced after a file ended one."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from service.reading.ocr.engine import ColourImage, Image
from service.reading.pages.process import DecoderKilledError, DecoderProcess

#: Limit of processes. Further threads wait: decoding a page takes a fraction of the time of reading it.
MAX_PROCESSES = 4


class DecoderPool:
    """Decodes files for any number of threads. A context manager; ``close`` ends its idle processes."""

    def __init__(self) -> None:
        #: Idle processes of parent processes: kept alive but never used, because the parent still uses them.
        self._inherited: list[deque[DecoderProcess]] = []
        self._start()

    def _start(self) -> None:
        self._slots = threading.BoundedSemaphore(MAX_PROCESSES)
        #: Held while one thread collects all slots: two would wait for each other.
        self._alone = threading.Lock()
        #: The most recently used process is reused first, so that no more are started than are busy at a
        #: time.
        self._idle: deque[DecoderProcess] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def decode(self, content: bytes, rendition: bytes) -> list[Image] | list[ColourImage]:
        """Return the pages of a file; ``rendition`` is ``GREY`` or ``COLOUR`` of ``decoder.protocol``.

        Raises:
            DocumentError: the file cannot be read.
            EngineError: the decoder failed, and the file is not the cause; it was killed twice, for example.
        """
        try:
            with self._slots:
                return self._decode(content, rendition)
        except DecoderKilledError:
            # What was decoded beside this file may have used up the memory: once more, alone.
            with self._all_slots():
                self.close()
                return self._decode_or_keep(content, rendition)

    def _decode(self, content: bytes, rendition: bytes) -> list[Image] | list[ColourImage]:
        process = self._take_idle() or DecoderProcess()
        try:
            return process.decode(content, rendition)
        finally:
            if process.ready:
                self._idle.append(process)
            else:
                process.close()

    def _decode_or_keep(self, content: bytes, rendition: bytes) -> list[Image] | list[ColourImage]:
        """Decode; where the process is killed again, return the pages that had come before."""
        try:
            return self._decode(content, rendition)
        except DecoderKilledError as error:
            if not error.pages:
                raise
            return error.pages

    @contextmanager
    def _all_slots(self) -> Iterator[None]:
        """Wait until no other file is being decoded, and keep others waiting."""
        with self._alone, ExitStack() as slots:
            for _ in range(MAX_PROCESSES):
                slots.enter_context(self._slots)
            yield

    def close(self) -> None:
        """End the idle processes. Idempotent; the pool starts new ones when it is used again."""
        while process := self._take_idle():
            process.close()

    def after_fork(self) -> None:
        """Forget the parent's processes in a forked child, which must not talk to them."""
        self._inherited.append(self._idle)
        self._start()

    def _take_idle(self) -> DecoderProcess | None:
        """Return an idle process that is still alive, or None."""
        while True:
            try:
                process = self._idle.pop()
            except IndexError:
                return None
            if not process.has_ended():
                return process
            process.close()


#: Pool of this process, used by ``read_pages``.
DEFAULT_POOL = DecoderPool()
os.register_at_fork(after_in_child=DEFAULT_POOL.after_fork)
