"""`filot-ocr` on a terminal of its own."""

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: s until a program that prints nothing counts as hung.
TIMEOUT = 60


@contextmanager
def minding_ctrl_c() -> Iterator[None]:
    """A shell's background jobs, and all that they start, ignore SIGINT; a terminal's do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def on_a_terminal(
    environment: dict[str, str], *arguments: str
) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[bytes], bytes]]]:
    """`filot-ocr` on a terminal of its own, and what reads it up to some text."""
    ours, theirs = pty.openpty()
    with minding_ctrl_c():
        started = subprocess.Popen(
            [sys.executable, "-m", "service", *arguments],
            env={**os.environ, "COLUMNS": "120", "TERM": "xterm", **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
    with started as program:
        os.close(theirs)
        shown = b""

        def read_until(text: bytes) -> bytes:
            nonlocal shown
            while text not in shown:
                assert select.select([ours], [], [], TIMEOUT)[0], shown
                shown += os.read(ours, 4096)
            before, _, shown = shown.partition(text)
            return before

        try:
            yield program, read_until
        finally:
            program.kill()
            os.close(ours)
