"""A TCP proxy that can cut, stall, delay, drip, and lose the reply to a request that went through."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

#: Bytes read at a time.
CHUNK = 65_536

#: Bytes kept of what a connection sent, so that a pattern is found although two packets share it.
OVERLAP = 256


class Rule:
    """What to do when a connection has sent some byte patterns, one after the other.

    Args:
        patterns: to be found in this order in what the client sends.
        fires: asked at every match whether it counts; called in the connection's thread.
        answer: sent to the client in the server's stead. None: the request goes through.
        keep: how many bytes of the server's reply reach the client before the connection is cut.
    """

    def __init__(
        self,
        patterns: Sequence[bytes],
        fires: Callable[[], bool],
        *,
        answer: bytes | None = None,
        keep: int = 0,
    ) -> None:
        self.patterns = patterns
        self.answer = answer
        self.keep = keep
        #: How often it fired.
        self.hits = 0
        self._fires = fires
        self._lock = threading.Lock()

    def ask(self) -> bool:
        """Whether this match counts."""
        with self._lock:
            fired = self._fires()
            self.hits += fired
            return fired


class Proxy:
    """Passes connections on to a port of 127.0.0.1 until told otherwise.

    Args:
        port: where it listens.
        target: the server's port.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        #: Seconds by which everything that the server sends is late.
        self.delay = 0.0
        #: Seconds between two bytes that the server sends; 0: all at once. A connection stays that slow.
        self.drip = 0.0
        #: Bytes of a connection that pass before it begins to drip.
        self.drip_after = 0
        self.rules: list[Rule] = []
        self.flowing = threading.Event()
        self.abandoned: list[threading.Event] = []
        self._is_cut = False
        self._connections: set[_Connection] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, name=f"proxy-{port}", daemon=True).start()
        self.reset()

    def reset(self) -> None:
        """Pass everything on again."""
        self.delay, self.drip, self.drip_after, self.rules, self._is_cut = 0.0, 0.0, 0, [], False
        self.flowing.set()

    def cut(self) -> None:
        """End every connection and refuse new ones until `reset`."""
        self._is_cut = True
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.close()

    def stall(self) -> None:
        """Hold every byte back, in both directions, until `reset`; connections stay open."""
        self.flowing.clear()

    def abandon(self) -> None:
        """End a stall for new connections only: those that it caught stay silent, their other end is gone."""
        self.abandoned.append(self.flowing)
        self.flowing = threading.Event()
        self.flowing.set()

    def close(self) -> None:
        """End it."""
        self.cut()
        for flowing in self.abandoned:
            flowing.set()
        self.flowing.set()
        self._listener.close()

    def forget(self, connection: "_Connection") -> None:
        """Drop a connection that has ended."""
        with self._lock:
            self._connections.discard(connection)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._is_cut:
                    raise ConnectionRefusedError
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                _reset(client)
                continue
            connection = _Connection(self, client, server)
            with self._lock:
                self._connections.add(connection)
            connection.start()


class _Connection:
    """One client's connection, a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy = proxy
        self.client = client
        self.server = server
        self.seen: dict[Rule, tuple[int, bytes]] = {}
        #: Bytes of the reply that still reach the client; None: all.
        self.keep: int | None = None
        #: Its seconds between two bytes, and how many bytes passed at once although it drips.
        self.drip, self.passed = 0.0, 0

    def start(self) -> None:
        for pump in (self._requests, self._replies):
            threading.Thread(target=self._run, args=(pump,), daemon=True).start()

    def close(self) -> None:
        self.proxy.forget(self)
        for end in (self.client, self.server):
            _reset(end)

    def _run(self, pump: Callable[[], None]) -> None:
        with suppress(OSError):
            pump()
        self.close()

    def _requests(self) -> None:
        while chunk := self.client.recv(CHUNK):
            self.proxy.flowing.wait()
            fired = next((rule for rule in self.proxy.rules if self._matches(rule, chunk)), None)
            if fired is not None and fired.answer is not None:
                self.client.sendall(fired.answer)
                self.client.shutdown(socket.SHUT_WR)
                return
            if fired is not None:
                self.keep = fired.keep
            self.server.sendall(chunk)

    def _replies(self) -> None:
        while chunk := self.server.recv(CHUNK):
            if self.proxy.delay:
                time.sleep(self.proxy.delay)
            self.proxy.flowing.wait()
            if self.keep is not None:
                self.client.sendall(chunk[: self.keep])
                self.keep -= len(chunk)
                if self.keep <= 0:
                    return
            else:
                self._pass_on(chunk)

    def _pass_on(self, chunk: bytes) -> None:
        self.drip = self.drip or self.proxy.drip
        if not self.drip:
            self.client.sendall(chunk)
            return
        at_once = max(0, self.proxy.drip_after - self.passed)
        self.client.sendall(chunk[:at_once])
        self.passed += min(at_once, len(chunk))
        for byte in chunk[at_once:]:
            self.client.sendall(bytes([byte]))
            time.sleep(self.drip)

    def _matches(self, rule: Rule, chunk: bytes) -> bool:
        found, rest = self.seen.get(rule, (0, b""))
        rest += chunk
        while found < len(rule.patterns):
            before, pattern, after = rest.partition(rule.patterns[found])
            if not pattern:
                rest = before[-OVERLAP:]
                break
            found, rest = found + 1, after
        complete = found == len(rule.patterns)
        self.seen[rule] = (0 if complete else found, rest)
        return complete and rule.ask()


def _reset(end: socket.socket) -> None:
    """Close at once, so that the other side is told of a broken connection and not of an end in order."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # A thread that waits in recv is woken by this, not by close.
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
