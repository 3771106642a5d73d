"""Connections of botocore that end when an answer's head takes too long: each byte resets its own limits."""

import socket
import threading
from contextlib import suppress
from typing import Any

from botocore import awsrequest

#: Seconds for the status and headers of one answer, after the request was sent.
HEAD_TIMEOUT = 30.0


class _LimitedHead:
    """Mixin of an HTTP connection."""

    sock: socket.socket

    def getresponse(self, *arguments: Any, **named: Any) -> Any:
        """Read status and headers; the body is read later."""
        timer = threading.Timer(HEAD_TIMEOUT, _shut_down, (self.sock,))
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse(*arguments, **named)  # type: ignore[misc]
        finally:
            timer.cancel()


def _shut_down(connected: socket.socket) -> None:
    """End a connection; whoever reads from it meets its end."""
    # The plain socket's method: TLS' own one would free what the reader is using.
    with suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


class _Connection(_LimitedHead, awsrequest.AWSHTTPConnection):  # type: ignore[misc]
    pass


class _TlsConnection(_LimitedHead, awsrequest.AWSHTTPSConnection):  # type: ignore[misc]
    pass


def limit_heads() -> None:
    """Let every client of botocore in this process open such connections. Idempotent."""
    # botocore chooses the classes by these two attributes and has no setting for it.
    awsrequest.AWSHTTPConnectionPool.ConnectionCls = _Connection
    awsrequest.AWSHTTPSConnectionPool.ConnectionCls = _TlsConnection
