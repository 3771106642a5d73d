"""Base class of the servers: a port, a directory, and starting, stopping and killing."""

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping

from devstack.servers.sandbox import Account, Process, Sandbox
from service.errors import OcrWorkerError

#: s that a server may take to answer after its start: far more than any needs, for a loaded machine.
START_TIMEOUT = 60.0
#: s that a server may take to end after a signal.
STOP_TIMEOUT = 60.0
#: s between checks whether a server answers.
INTERVAL = 0.01
#: Lines of a server's log that are shown when it does not start.
LOG_LINES = 15


class ServerError(OcrWorkerError):
    """A server did not start; the message holds the end of its log."""


class Server(ABC):
    """A server that keeps its port on 127.0.0.1 and its directory through restarts.

    Args:
        sandbox: where it runs; the server ends with it at the latest.
        name: names its directory and log.
    """

    #: The system user that the server runs as; None is the caller's own.
    account: Account | None = None
    #: Variables that the server gets beside the caller's own.
    environment: Mapping[str, str] | None = None

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.name = name
        self.port = sandbox.reserve_port()
        self.directory = sandbox.directory / name
        self.directory.mkdir(mode=0o700)
        self.log = sandbox.directory / f"{name}.log"
        self._sandbox = sandbox
        self._process: Process | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server is ready."""

    def launch(self) -> None:
        """Start the process without waiting for it, so that several servers can start at once."""
        self._process = self._run(self.command())

    def wait_until_ready(self) -> None:
        """Wait until the launched server answers.

        Raises:
            ServerError: it ended instead, or took longer than `START_TIMEOUT`.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while not self.answers():
            if self._process is None or self._process.exit_code() is not None:
                raise ServerError(f"{self.name} ended while it started:\n{self._log_end()}")
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{self.name} does not answer after {START_TIMEOUT:.0f} s:\n{self._log_end()}"
                )
            time.sleep(INTERVAL)

    def start(self) -> None:
        """Start the server, for the first time or again, and wait until it answers.

        Raises:
            ServerError: it does not start.
        """
        self.launch()
        self.wait_until_ready()

    def stop(self) -> None:
        """Stop the server gracefully."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server by SIGKILL, like a crash."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._sandbox.end(self._process, number, STOP_TIMEOUT)
            self._process = None

    def _run(self, command: list[str]) -> Process:
        return self._sandbox.run(
            command,
            directory=self.directory,
            log=self.log,
            account=self.account,
            environment=self.environment,
        )

    def _run_to_end(self, command: list[str]) -> None:
        """Run a tool of the server's.

        Raises:
            ServerError: it failed.
        """
        tool = self._run(command)
        try:
            code = tool.wait(START_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise ServerError(f"{self.name} does not get ready:\n{self._log_end()}") from error
        self._sandbox.end(tool, signal.SIGKILL, STOP_TIMEOUT)
        if code != 0:
            raise ServerError(f"{self.name} cannot be set up:\n{self._log_end()}")

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])
