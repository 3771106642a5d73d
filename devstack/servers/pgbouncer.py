"""PgBouncer in transaction mode in front of a PostgreSQL, for tests (Debian's package `pgbouncer`)."""

import os
import pwd
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2

from devstack.servers.postgres import Postgres
from devstack.servers.sandbox import Account, Sandbox
from devstack.servers.server import Server

#: Connections to PostgreSQL: fewer than clients, so that transactions really share them.
POOL_SIZE = 2

_CONFIGURATION = """[databases]
* = host=127.0.0.1 port={postgres}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = transaction
default_pool_size = {pool_size}
server_login_retry = 1
"""


class PgBouncer(Server):
    """A pooler that gives each transaction another session of PostgreSQL.

    Args:
        sandbox: where it lives.
        program: path of `pgbouncer`.
        postgres: the server behind it.
    """

    def __init__(self, sandbox: Sandbox, program: str, postgres: Postgres) -> None:
        super().__init__(sandbox, f"pgbouncer-{os.urandom(4).hex()}")
        address = urlsplit(postgres.url)
        self._program = program
        self._configuration = self.directory / "pgbouncer.ini"
        users = self.directory / "users.txt"
        users.write_text(f'"{address.username}" "{address.password}"\n')
        self._configuration.write_text(
            _CONFIGURATION.format(postgres=postgres.port, port=self.port, users=users, pool_size=POOL_SIZE)
        )
        self.url = postgres.url.replace(f":{postgres.port}/", f":{self.port}/")
        if os.geteuid() == 0:
            # It refuses to run as root.
            nobody = pwd.getpwnam("nobody")
            self.account = Account(nobody.pw_uid, nobody.pw_gid)
            for path in (self.directory, users, self._configuration):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)

    def command(self) -> list[str]:
        """The pooler in the foreground."""
        return [self._program, str(self._configuration)]

    def answers(self) -> bool:
        """Whether it lets a client through to PostgreSQL."""
        try:
            with closing(psycopg2.connect(self.url)):
                return True
        except psycopg2.OperationalError:
            return False
