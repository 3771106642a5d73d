"""Plain HTTP requests to a local server, which ignore proxy settings."""

import socket
from contextlib import closing
from http.client import HTTPConnection

#: Seconds for one request.
REQUEST_TIMEOUT = 10.0


def accepts_connections(port: int) -> bool:
    """Whether something listens on this TCP port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=REQUEST_TIMEOUT):
            return True
    except OSError:
        return False


def request(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send one request to this port of 127.0.0.1; return the status and the body of the answer.

    Raises:
        OSError: no server answers.
    """
    with closing(HTTPConnection("127.0.0.1", port, timeout=REQUEST_TIMEOUT)) as connection:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
