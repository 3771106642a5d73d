"""The decoder processes of one worker: started when needed, used again, replaced when a file ended one."""

import os
import threading
from collections import deque

from service.reading.ocr.engine import ColourImage, Image
from service.reading.pages.process import DecoderProcess

#: Processes at a time. More threads wait for one of them: a page takes a fraction of the time of reading it.
MAX_PROCESSES = 4


class DecoderPool:
    """Decodes files for any number of threads."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(MAX_PROCESSES)
        #: The one used last is used next, so that no more are started than are busy at a time.
        self._idle: deque[DecoderProcess] = deque()

    def decode(self, content: bytes, wanted: bytes) -> list[Image] | list[ColourImage]:
        """Return the pages of a file, ``GREY`` or small copies in ``COLOURS`` as the exchange names them.

        Raises:
            DocumentError: the file cannot be read.
            EngineError: the decoder could not do its work, and the file is not the cause.
        """
        with self._free:
            process = self._process()
            try:
                return process.decode(content, wanted)
            finally:
                if process.ready:
                    self._idle.append(process)
                else:
                    process.close()

    def close(self) -> None:
        """End the processes that have nothing to do; later files start others."""
        while self._idle:
            self._idle.pop().close()

    def _process(self) -> DecoderProcess:
        while self._idle:
            process = self._idle.pop()
            if not process.has_ended():
                return process
            process.close()
        return DecoderProcess()


def pool() -> DecoderPool:
    """The pool of this process: one that was forked off must not talk to its parent's decoders."""
    return _pools.setdefault(os.getpid(), DecoderPool())


#: By process id: a copy of the parent's pool is kept, since to forget it would end the parent's decoders.
_pools: dict[int, DecoderPool] = {}
