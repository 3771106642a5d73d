"""The worker as a process, as an operator runs it."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from http import HTTPStatus

from devstack.servers.http import request
from devstack.servers.sandbox import Sandbox
from devstack.servers.server import INTERVAL, START_TIMEOUT, STOP_TIMEOUT, Server


class Worker(Server):
    """`filot-ocr worker` as a subprocess.

    Args:
        sandbox: where it runs.
        environment: its settings; the health port is its own.
        name: tells several workers apart.
    """

    def __init__(self, sandbox: Sandbox, environment: Mapping[str, str], name: str = "worker") -> None:
        super().__init__(sandbox, name)
        self.environment = {**environment, "OCR_GPU_HEALTH_PORT": str(self.port)}

    def command(self) -> list[str]:
        """The command line's worker, in this Python."""
        return [sys.executable, "-m", "service", "worker"]

    def answers(self) -> bool:
        """Whether it is ready to take documents."""
        return self.get("/ready") == HTTPStatus.OK

    def get(self, path: str) -> int | None:
        """The HTTP status of a page of its health port; None when nobody listens."""
        try:
            status, _ = request(self.port, "GET", path)
        except OSError:
            return None
        return status

    def logged(self, event: str) -> list[str]:
        """Wait until its log names an event, and return those lines.

        What a worker process logs comes through a pipe of Dramatiq's master, later than `/ready` answers.

        Raises:
            TimeoutError: no such line came within `START_TIMEOUT`.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            whole_lines, _, _ = self.log.read_text().rpartition("\n")
            if found := [line for line in whole_lines.splitlines() if event in line]:
                return found
            time.sleep(INTERVAL)
        raise TimeoutError(f"no {event} in {self.log}")

    @property
    def pid(self) -> int:
        """Of the command's own process, Dramatiq's master."""
        assert self._process is not None
        return self._process.pid

    def terminate(self) -> None:
        """Send SIGTERM to the master only, as a container's runtime does; see `exit_code`."""
        os.kill(self.pid, signal.SIGTERM)

    def exit_code(self, timeout: float = STOP_TIMEOUT) -> int:
        """Wait for the end and return the exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs after ``timeout`` seconds.
        """
        assert self._process is not None
        return self._process.wait(timeout)
