"""Connections to PostgreSQL are kept and used again, and none is trusted that a restart may have ended."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from psycopg2.extensions import connection

from bench.chaos.proxy import Proxy
from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from service.errors import UnavailableError
from service.store import database as module
from service.store.database import Database


@pytest.fixture
def proxy(stack: FilotStack) -> Iterator[Proxy]:
    proxy = Proxy(stack.sandbox.reserve_port(), stack.postgres.port)
    yield proxy
    proxy.close()


@pytest.fixture
def distant(stack: FilotStack, proxy: Proxy) -> Iterator[Database]:
    """PostgreSQL behind the proxy."""
    address = urlsplit(stack.postgres.url)
    url = address._replace(netloc=address.netloc.replace(str(stack.postgres.port), str(proxy.port))).geturl()
    database = Database(url, 4)
    yield database
    database.close()


def server_process(database: Database) -> int:
    with database.transaction() as cursor:
        cursor.execute("SELECT pg_backend_pid() AS pid")
        (row,) = cursor.fetchall()
    return int(row["pid"])


def test_a_connection_is_used_again(database: Database) -> None:
    assert server_process(database) == server_process(database)


def test_connections_that_were_open_at_once_are_all_kept(database: Database, backend: FilotBackend) -> None:
    with database.transaction(), database.transaction(), database.transaction():
        pass

    (row,) = backend.execute(
        "SELECT count(*) AS idle FROM pg_stat_activity WHERE application_name = 'filot-ocr-worker'"
    )
    assert row["idle"] >= 3


def test_after_a_restart_new_connections_take_the_place_of_the_old(
    database: Database, stack: FilotStack
) -> None:
    with database.transaction(), database.transaction():
        pass

    stack.postgres.kill()
    stack.postgres.start()

    with database.transaction():
        pass


def test_a_silent_server_costs_one_wait_and_not_one_for_each_connection(
    distant: Database, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with distant.transaction(), distant.transaction(), distant.transaction(), distant.transaction():
        pass
    asked = []
    answers = module._answers

    def noted(candidate: connection, schema: str | None) -> bool:
        asked.append(candidate)
        return answers(candidate, schema)

    monkeypatch.setattr(module, "_answers", noted)
    monkeypatch.setattr(module, "ANSWER_TIMEOUT", 0.2)
    proxy.stall()
    with pytest.raises(UnavailableError), distant.transaction():
        pass

    assert len(asked) == 1
