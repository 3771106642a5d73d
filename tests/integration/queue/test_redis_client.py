"""The Redis client: the URL's parameters, which password counts, and what happens in a failover."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import redis

from devstack.servers import FilotStack
from devstack.servers.sandbox import open_sandbox
from devstack.servers.valkey import Valkey
from service.errors import SettingsError
from service.queue.document_queue import DocumentQueue
from service.queue.redis_client import connect_redis, parse_redis_url
from service.settings import Settings
from tests.support.ids import CARD

SettingsMaker = Callable[..., Settings]


@pytest.fixture
def make_settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> SettingsMaker:
    """Settings of the test's environment with changes."""

    def make(**changes: str) -> Settings:
        for name, value in {**environment, **changes}.items():
            monkeypatch.setenv(name, value)
        return Settings()

    return make


@pytest.fixture
def primary() -> Iterator[Valkey]:
    """A server that the test may change."""
    with open_sandbox() as sandbox:
        server = Valkey(sandbox)
        server.start()
        yield server


@contextmanager
def connected_to(settings: Settings) -> Iterator[redis.Redis]:
    """A client with two open connections."""
    with connect_redis(settings) as client:
        pool = client.connection_pool
        connections = [pool.get_connection() for _ in range(2)]
        for connection in connections:
            pool.release(connection)
        yield client


def connections_to(server: Valkey) -> set[int]:
    """The numbers of the server's connections, this one's not among them."""
    with redis.Redis.from_url(server.url) as client:
        own = client.client_id()
        return {int(each["id"]) for each in client.client_list()} - {own}


def test_the_password_of_the_url_wins(make_settings: SettingsMaker, stack: FilotStack) -> None:
    settings = make_settings(REDIS_PASSWORD="another")

    with connect_redis(settings) as client:
        assert client.ping()


def test_the_password_beside_a_url_without_one_counts(
    make_settings: SettingsMaker, stack: FilotStack
) -> None:
    beginning, address = stack.valkey.url.split("@")
    settings = make_settings(REDIS_URL=f"redis://{address}", REDIS_PASSWORD=beginning.split(":")[-1])

    with connect_redis(settings) as client:
        assert client.ping()


@pytest.mark.parametrize("query", ["?family=4", "?family=0", "?tls=false", "?db=0", "?client_name=filot"])
def test_parameters_of_other_clients_are_understood(
    make_settings: SettingsMaker, stack: FilotStack, query: str
) -> None:
    settings = make_settings(REDIS_URL=stack.valkey.url + query)

    with connect_redis(settings) as client:
        assert client.ping()


@pytest.mark.parametrize(
    ("url", "translated", "options"),
    [
        ("redis://h:1/0?tls=true", "rediss://h:1/0", {}),
        ("redis://h:1/0?db=3", "redis://h:1/3", {}),
        ("rediss://h:1?ssl_cert_reqs=CERT_NONE", "rediss://h:1", {"ssl_cert_reqs": "none"}),
        ("rediss://h:1?ssl_cert_reqs=none", "rediss://h:1", {"ssl_cert_reqs": "none"}),
        ("redis://h:1?tls=1&ssl_cert_reqs=required", "rediss://h:1", {"ssl_cert_reqs": "required"}),
        ("rediss://u:p%40@h:1/2", "rediss://u:p%40@h:1/2", {}),
    ],
)
def test_parameters_become_options(url: str, translated: str, options: dict[str, str]) -> None:
    assert parse_redis_url(url) == (translated, options)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://:secret@h:1?family=5", "family should be one of 0, 4, 6"),
        ("redis://:secret@h:1?db=first", "db should be a number"),
        ("redis://:secret@h:1?ssl_cert_reqs=none", "needs a URL that begins with rediss://"),
        ("rediss://:secret@h:1?ssl_cert_reqs=maybe", "ssl_cert_reqs should be one of"),
        ("rediss://:secret@h:1?tls=false", "remove one of them"),
        ("redis://:secret@h:1?maxRetriesPerRequest=1", "maxRetriesPerRequest is unknown"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_in_one_line(url: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_redis_url(url)

    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_after_a_failover_every_connection_goes_to_the_new_primary(
    make_settings: SettingsMaker, stack: FilotStack, primary: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis.Redis.from_url(stack.valkey.url) as new_primary:
        new_primary.config_set("requirepass", urlsplit(primary.url).password or "")
        try:
            with connected_to(make_settings(REDIS_URL=primary.url)) as client:
                before = connections_to(primary)
                # What the name leads to changes; connections that are open stay where they are.
                address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", stack.valkey.port))
                monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [address])
                client.replicaof("127.0.0.1", "1")
                with pytest.raises(redis.RedisError):
                    client.set("key", "value")
                monkeypatch.undo()

                assert client.set("key", "value")
                assert len(before) == 2
                assert connections_to(primary) == set()
                assert new_primary.get("key") == b"value"
        finally:
            new_primary.config_set("requirepass", urlsplit(stack.valkey.url).password or "")


def test_a_script_that_writes_finds_the_failover_too(make_settings: SettingsMaker, primary: Valkey) -> None:
    settings = make_settings(REDIS_URL=primary.url)
    with connected_to(settings) as client:
        document_queue = DocumentQueue(client, settings)
        document_queue.enqueue(CARD)
        before = connections_to(primary)
        client.replicaof("127.0.0.1", "1")

        with pytest.raises(redis.RedisError):
            document_queue.fetch("token")

        assert before
        assert not before & connections_to(primary)


def test_a_wait_ends_when_its_server_is_demoted(make_settings: SettingsMaker, primary: Valkey) -> None:
    settings = make_settings(REDIS_URL=primary.url, OCR_GPU_POLL_INTERVAL="60000")
    with connected_to(settings) as client, redis.Redis.from_url(primary.url) as operator:
        document_queue, before = DocumentQueue(client, settings), connections_to(primary)
        errors: list[redis.RedisError] = []

        def wait() -> None:
            try:
                document_queue.wait(30)
            except redis.RedisError as error:
                errors.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not operator.info("clients")["blocked_clients"]:
            pass
        operator.replicaof("127.0.0.1", "1")
        waiting.join(20)

        assert len(errors) == 1
        assert len(before) == 2
        assert not before & connections_to(primary)
