"""An HTTP server for GET and HEAD that clients cannot exhaust: few connections, a deadline per request."""

import io
import json
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog

log = structlog.get_logger(__name__)

#: s in which a whole request must arrive, and again s in which its answer must be taken. Every connection has
#: a thread and a file descriptor, which documents need as well.
REQUEST_TIMEOUT = 10.0

#: Connections at a time. One more takes the place of the oldest whose request has not arrived.
MAX_CONNECTIONS = 64

#: Headers of every response: no caching, no referrer, no guessing of its type.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request that a page may need."""

    #: What follows the question mark, still encoded.
    query: str
    headers: Message


@dataclass(frozen=True, slots=True)
class Answer:
    """The response of one path."""

    content: bytes
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


#: Answers the requests of one path.
Page = Callable[[Request], Answer]


def json_answer(status: int, body: Mapping[str, Any]) -> Answer:
    """Build a response in JSON."""
    return Answer(json.dumps(body).encode(), "application/json", status)


NOT_FOUND = json_answer(404, {"status": "not found"})

#: The answer to every method but GET and HEAD, which the base class calls not implemented.
NOT_ALLOWED = replace(json_answer(405, {"status": "method not allowed"}), headers={"Allow": "GET, HEAD"})


class PageServer(ThreadingHTTPServer):
    """Serves pages on all interfaces, over IPv6 and IPv4 where the machine has both.

    Parameters:
        port: TCP port
        pages: path to page; may grow while the server runs

    Raises:
        OSError: the port is taken.
    """

    #: Connections that may wait to be accepted.
    request_queue_size = 128

    def __init__(self, port: int, pages: Mapping[str, Page]) -> None:
        self.pages = pages
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        #: Those of them whose request has not arrived completely, the oldest first.
        self._arriving: dict[socket.socket, None] = {}
        self.address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
        super().__init__(("", port), _Handler)

    def server_bind(self) -> None:
        """Bind for both protocols, without the base class's DNS query for the name of this machine."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own; beyond the limit, drop the oldest that still sends its request."""
        with self._lock:
            full = len(self._open) >= MAX_CONNECTIONS
            if full and self._arriving:
                self._drop(next(iter(self._arriving)))
                full = False
            if not full:
                self._open.add(request)
                self._arriving[request] = None
        if full:
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def _drop(self, request: socket.socket) -> None:
        self._forget(request)
        try:
            # Its thread wakes up and ends.
            request.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _forget(self, request: socket.socket) -> None:
        self._open.discard(request)
        self._arriving.pop(request, None)

    def has_arrived(self, request: socket.socket) -> None:
        """Note that a request is complete: its connection is no longer dropped for others."""
        with self._lock:
            self._arriving.pop(request, None)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, and make room for another."""
        with self._lock:
            self._forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a page that failed, in one line. A client that hung up is no news, and may be one of many."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log.warning("request_failed", error=type(error).__name__)


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    # Clients need no version numbers.
    server_version, sys_version = "filot-ocr", ""

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_Deadline(self.connection, time.monotonic() + REQUEST_TIMEOUT))

    def do_GET(self) -> None:
        self._answer(with_content=True)

    def do_HEAD(self) -> None:
        self._answer(with_content=False)

    def _answer(self, *, with_content: bool) -> None:
        self.server.has_arrived(self.connection)
        path, _, query = self.path.partition("?")
        page = self.server.pages.get(path)
        self._send(page(Request(query, self.headers)) if page else NOT_FOUND, with_content=with_content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse another method, or what is no request, in the pages' own way."""
        if code == HTTPStatus.NOT_IMPLEMENTED:
            answer = NOT_ALLOWED
        else:
            answer = json_answer(code, {"status": HTTPStatus(code).phrase.lower()})
        self.server.has_arrived(self.connection)
        self._send(answer, with_content=True)

    def _send(self, answer: Answer, *, with_content: bool) -> None:
        # The limit of `sendall` is for all of it, not for each piece.
        self.connection.settimeout(REQUEST_TIMEOUT)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.content)))
        for name, value in {**HEADERS, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_content:
            self.wfile.write(answer.content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Log no requests: health checks come every few seconds."""


class _Deadline(io.RawIOBase):
    """Reads a socket up to one moment, however small the pieces that arrive.

    Parameters:
        connection: what is read
        at: that moment, by `time.monotonic()`
    """

    def __init__(self, connection: socket.socket, at: float) -> None:
        self._connection = connection
        self._at = at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        remaining = self._at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._connection.settimeout(remaining)
        return self._connection.recv_into(buffer)
