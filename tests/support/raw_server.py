"""A TCP server that answers every connection as a test says, byte by byte if need be."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

#: Talks to one client; the connection is closed afterwards.
Handler: TypeAlias = Callable[[socket.socket], None]


@contextmanager
def raw_server(handler: Handler) -> Iterator[str]:
    """Serve until the context ends; gives the server's `http://` URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, handler), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            # Wakes the thread up that waits in `accept`.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, handler: Handler) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_talk, args=(client, handler), daemon=True).start()


def _talk(client: socket.socket, handler: Handler) -> None:
    with client, suppress(OSError):
        handler(client)


def drip(content: bytes, interval: float) -> Handler:
    """Read a request, then send these bytes one by one, ``interval`` seconds apart, over and over.

    Raises:
        ValueError: there are none; the server would do nothing as fast as it can.
    """
    if not content:
        raise ValueError("nothing to send")

    def handle(client: socket.socket) -> None:
        client.recv(65536)
        pause = threading.Event()
        while True:
            for byte in content:
                client.sendall(bytes([byte]))
                pause.wait(interval)

    return handle


def answer(content: bytes) -> Handler:
    """Read a request, then send these bytes at once."""

    def handle(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(content)

    return handle


def say_nothing(client: socket.socket) -> None:
    """Read until the client is gone, and never answer."""
    while client.recv(65536):
        pass
