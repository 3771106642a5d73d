"""A sandbox for servers: a directory, ports and processes that end together.

They end when the sandbox is closed, and also when the process that opened it is killed: a small process of
its own, the watchdog, cleans up in either case.
"""

import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

#: Below the ports that systems hand out to outgoing connections, so that nobody takes a server's port
#: while it is down, and no client that keeps trying it ends up connected to itself.
PORTS = range(20_000, 32_000)
#: s that the watchdog may take to end everything; well above its own timeouts.
CLOSE_TIMEOUT = 20.0

_WATCHDOG = Path(__file__).parent / "programs" / "watchdog.py"
#: A shell script that reports to the watchdog and then runs the program, which is given as its arguments.
#: Standard output is the watchdog's pipe, standard error the log. `exec` replaces the shell by the program in
#: the same process, so the id that was reported is the program's, and no program ever runs unwatched.
_REPORT_AND_RUN = """
echo $$
exec "$@" 1>&2
"""


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that a process runs as."""

    uid: int
    gid: int


class Process:
    """A program in a process group of its own, with all that it starts."""

    def __init__(self, popen: subprocess.Popen[bytes], lifeline: int) -> None:
        self._popen = popen
        self._lifeline: int | None = lifeline

    @property
    def pid(self) -> int:
        """The process id, which is the process group's as well."""
        return self._popen.pid

    def exit_code(self) -> int | None:
        """None while it runs; a negative number is the signal that ended it."""
        return self._popen.poll()

    def signal(self, number: int) -> None:
        """Send a signal to the whole group; nothing happens when it is gone."""
        if self._lifeline is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def wait(self, timeout: float) -> int:
        """Wait for the end of the program and of everything it started; returns its exit code.

        Raises:
            subprocess.TimeoutExpired: some of it still runs after that many seconds.
        """
        code = self._popen.wait(timeout)
        if self._lifeline is not None:
            # The other end is held by the program and its children only, so this one reads as ended when
            # the last of them is gone. PostgreSQL's outlive their parent for a moment.
            ended, _, _ = select.select([self._lifeline], [], [], timeout)
            if not ended:
                raise subprocess.TimeoutExpired(self._popen.args, timeout)
            os.close(self._lifeline)
            self._lifeline = None
        return code


class Sandbox:
    """An open sandbox; see `open_sandbox`."""

    def __init__(self, directory: Path, watchdog: int, undo: ExitStack) -> None:
        self.directory = directory
        self._watchdog = watchdog
        self._undo = undo
        self._processes: dict[int, Process] = {}

    def reserve_port(self) -> int:
        """Reserve a free TCP port on 127.0.0.1; no other sandbox gets it meanwhile."""
        while True:
            port = secrets.choice(PORTS)
            # The UDP port of the same number is the reservation: the system gives it to one process only,
            # and takes it back when that process ends in whatever way.
            reservation = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                reservation.bind(("127.0.0.1", port))
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            except OSError:
                reservation.close()
            else:
                self._undo.callback(reservation.close)
                return port

    def run(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        log: Path,
        account: Account | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Process:
        """Start a program that ends with the sandbox at the latest.

        Args:
            command: the program's path and its arguments.
            directory: where it runs.
            log: the file that its output is added to.
            account: the user to run it as, which needs root; None is the caller's own.
            environment: variables beside the caller's own.
        """
        lifeline, held = os.pipe()
        try:
            with log.open("ab") as output:
                popen = subprocess.Popen(
                    ["/bin/sh", "-c", _REPORT_AND_RUN, "/bin/sh", *command],
                    cwd=directory,
                    env={**os.environ, **(environment or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=self._watchdog,
                    stderr=output,
                    pass_fds=[held],
                    start_new_session=True,
                    user=account.uid if account else None,
                    group=account.gid if account else None,
                    extra_groups=[] if account else None,
                )
        except BaseException:
            os.close(lifeline)
            raise
        finally:
            os.close(held)
        process = self._processes[popen.pid] = Process(popen, lifeline)
        return process

    def end(self, process: Process, number: int, timeout: float) -> None:
        """End a program by a signal, by SIGKILL where that is not enough, and wait until all of it is gone.

        Args:
            process: one that `run` returned.
            number: the signal to begin with.
            timeout: seconds to wait after each signal.
        """
        process.signal(number)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.signal(signal.SIGKILL)
            process.wait(timeout)
        del self._processes[process.pid]
        os.write(self._watchdog, b"-%d\n" % process.pid)

    def wait(self, timeout: float) -> None:
        """Wait for the end of everything that runs."""
        for process in self._processes.values():
            process.wait(timeout)


@contextmanager
def open_sandbox() -> Iterator[Sandbox]:
    """Open a sandbox with a new temporary directory.

    When the context or this process ends, even by SIGKILL, every program in it is ended by SIGINT, then by
    SIGKILL if needed, and the directory is removed.
    """
    directory = Path(tempfile.mkdtemp(prefix="filot-"))
    # Root's PostgreSQL runs as another user, who has to reach its own directory in here.
    directory.chmod(0o711)
    with (
        ExitStack() as undo,
        subprocess.Popen(
            [sys.executable, "-I", "-S", str(_WATCHDOG), str(directory)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as watchdog,
    ):
        assert watchdog.stdin is not None
        sandbox = Sandbox(directory, watchdog.stdin.fileno(), undo)
        try:
            yield sandbox
        finally:
            watchdog.stdin.close()
            sandbox.wait(CLOSE_TIMEOUT)
            watchdog.wait(CLOSE_TIMEOUT)
