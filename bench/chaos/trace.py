"""Trace file to which every worker writes the beginning and end of each reading."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

Kind: TypeAlias = Literal["begin", "end"]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the trace."""

    kind: Kind
    pid: int
    tag: str
    serial: int
    #: ``time.monotonic()``, which is one clock for all processes of a machine.
    at: float


class Trace:
    """The file; several processes write to it at once, a whole line at a time.

    Args:
        path: made when it is first written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, kind: Kind, tag: str, serial: int) -> None:
        """Append an event."""
        line = f"{kind} {os.getpid()} {tag} {serial} {time.monotonic()}\n"
        # One write in append mode is never torn nor mixed with another process'.
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def events(self, kind: Kind | None = None) -> list[Event]:
        """Return the events so far, oldest first, of one kind or of both."""
        if not self.path.exists():
            return []
        events = []
        for line in self.path.read_text().splitlines():
            word, pid, tag, serial, at = line.split()
            if kind in (None, word):
                events.append(Event(cast(Kind, word), int(pid), tag, int(serial), float(at)))
        return events

    def reads(self, serial: int) -> int:
        """Return how often a document was read."""
        return sum(event.serial == serial for event in self.events("begin"))

    def clear(self) -> None:
        """Delete all events."""
        self.path.unlink(missing_ok=True)
