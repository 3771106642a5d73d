"""Pool of decoder processes: started on demand, reused, and replaced after a file ended one."""

import os
import threading
from collections import deque
from types import TracebackType
from typing import Self

from service.reading.ocr.engine import ColourImage, Image
from service.reading.pages.process import DecoderProcess

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
            EngineError: the decoder failed, and the file is not the cause.
        """
        with self._slots:
            process = self._take_idle() or DecoderProcess()
            try:
                return process.decode(content, rendition)
            finally:
                if process.ready:
                    self._idle.append(process)
                else:
                    process.close()

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
