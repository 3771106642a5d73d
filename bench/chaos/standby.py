"""Second servers that take over: a replica of PostgreSQL, and one of Redis."""

import os
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2
import redis

from devstack.servers.postgres import Postgres
from devstack.servers.sandbox import Sandbox
from devstack.servers.valkey import Valkey


class Standby(Postgres):
    """A streaming replica of another server, until it is promoted.

    Args:
        sandbox: where it lives.
        primary: the server whose data it copies when it starts.
    """

    def __init__(self, sandbox: Sandbox, primary: Postgres) -> None:
        super().__init__(sandbox, fsync=True, name=f"standby-{os.urandom(4).hex()}")
        self._primary = primary
        self.url = _with_port(primary.url, self.port)

    def _make_cluster(self) -> None:
        program = self._package / "pginstall" / "bin" / "pg_basebackup"
        self._run_to_end(
            [
                str(program),
                f"--pgdata={self._data}",
                f"--dbname={self._primary.url}",
                *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            ]
        )

    def has_everything(self) -> bool:
        """Whether it has replayed all that its primary has written."""
        (written,) = query(self._primary.url, "SELECT pg_current_wal_lsn()::text")
        (ready,) = query(self.url, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written)
        return ready == "true"

    def promote(self) -> None:
        """Make it a primary; returns when it is."""
        query(self.url, "SELECT pg_promote()")


def query(url: str, statement: str, *values: str) -> list[str]:
    """Run one statement outside a transaction; returns the columns of its first row as text."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            row = cursor.fetchone() if cursor.description else None
    return [str(value).lower() for value in row or ()]


class Replica(Valkey):
    """A replica of another Redis, with the same password."""

    def __init__(self, sandbox: Sandbox, primary: Valkey) -> None:
        super().__init__(sandbox, append_only=True, name=f"replica-{os.urandom(4).hex()}")
        self._primary = primary

    def follow(self) -> None:
        """Begin to copy the primary; either can follow the other afterwards."""
        password = urlsplit(self._primary.url).password or ""
        with redis.Redis.from_url(self.url) as client:
            client.config_set("masterauth", password)
            client.config_set("requirepass", password)
        self.url = _with_port(self._primary.url, self.port)
        with redis.Redis.from_url(self._primary.url) as client:
            client.config_set("masterauth", password)
        with redis.Redis.from_url(self.url) as client:
            client.replicaof("127.0.0.1", str(self._primary.port))

    def is_linked(self) -> bool:
        """Whether it has the primary's data and gets what is written."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return bool(client.info("replication").get("master_link_status") == "up")

    def is_primary(self) -> bool:
        """Whether it has taken over."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return bool(client.info("replication")["role"] == "master")

    def take_over(self) -> None:
        """Let the primary hand over in order, as managed services do: it becomes this server's replica."""
        with redis.Redis.from_url(self._primary.url) as client:
            client.execute_command("FAILOVER", "TO", "127.0.0.1", self.port)

    def give_back(self) -> None:
        """Make the other server a primary again, with whatever data it has."""
        with redis.Redis.from_url(self._primary.url) as client:
            client.replicaof("NO", "ONE")


def _with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()
