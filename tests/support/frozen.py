"""A server that is there, accepts connections and says nothing."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from devstack.servers.server import Server


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Stop a server and all that it started by SIGSTOP; they go on afterwards."""
    assert server._process is not None
    root = psutil.Process(server._process.pid)
    # The parent first: it starts nothing any more.
    root.send_signal(signal.SIGSTOP)
    stopped = [root, *root.children(recursive=True)]
    try:
        for each in stopped[1:]:
            each.send_signal(signal.SIGSTOP)
        yield
    finally:
        for each in reversed(stopped):
            each.send_signal(signal.SIGCONT)
