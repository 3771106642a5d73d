"""What one poller sees of real servers, and how much it asks of them."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from devstack.backend import QUEUE, FilotBackend
from service.errors import DatabaseRefusedError
from service.monitoring.heartbeat import HEARTBEAT_INTERVAL, Heartbeat
from service.monitoring.poller import POLL_INTERVAL, Poller
from service.queue.active_jobs import ActiveJobs
from service.queue.document_queue import DocumentQueue, connect_redis
from service.reading.ocr.devices import Devices
from service.settings import Settings, needed
from service.store.database import Database
from service.store.publisher import Publisher


def poll(poller: Poller) -> None:
    for task in poller.tasks():
        task()


@pytest.fixture
def poller(settings: Settings, database: Database) -> Poller:
    return Poller(connect_redis(settings), database, settings, timeout=60.0)


def test_servers_that_are_away_are_named_and_their_figures_unknown(
    poller: Poller, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    no_servers = Poller(connect_redis(Settings()), Database("postgresql://127.0.0.1:1/none", 1), settings)
    before = poller.away()

    poll(poller)
    poll(no_servers)

    assert before == ["Redis has not been polled yet", "PostgreSQL has not been polled yet"]
    assert poller.away() == []
    assert no_servers.away() == [
        "Redis did not answer the latest poll (nothing listens on that port)",
        "PostgreSQL did not answer the latest poll (nothing listens on that port)",
    ]
    assert (no_servers.backlog, no_servers.outbox_backlog) == (None, None)
    assert (no_servers.redis_answers(), no_servers.postgresql_answers()) == (False, False)


def test_metrics_and_viewers_see_the_same(poller: Poller, backend: FilotBackend) -> None:
    backend.redis.rpush(QUEUE, "card")

    status = poller.look()
    poll(poller)

    assert status.traffic is not None
    assert poller.backlog is status.traffic.backlog
    assert status.records is not None
    assert poller.outbox_backlog is status.records.outbox_backlog


def test_without_a_database_only_redis_is_shown(settings: Settings) -> None:
    status = Poller(connect_redis(settings), None, settings, timeout=60.0).look()

    assert (status.traffic is None, status.records, status.database_problem) == (False, None, "")


def test_an_idle_worker_sends_less_than_one_command_a_second(
    settings: Settings, database: Database, backend: FilotBackend
) -> None:
    client = connect_redis(settings)
    active_jobs = ActiveJobs(DocumentQueue(client, settings), limit=2)
    devices = Devices(settings.model_copy(update={"driver": "onnx"}))
    heartbeat = Heartbeat(
        client, active_jobs, devices, Publisher(database, client, settings), gpu_enabled=False
    )
    poller = Poller(client, database, settings)

    def sent(task: str) -> int:
        with backend.redis.monitor() as monitor:
            {"beat": heartbeat.beat, "poll": poller.poll_redis}[task]()
            backend.redis.echo("end")
            count = 0
            for line in monitor.listen():
                if line["command"].startswith("ECHO"):
                    return count
                count += line["client_type"] != "lua"
        raise AssertionError

    # The first round opens connections and loads the scripts.
    sent("beat"), sent("poll")
    poller.traffic._result_at = float("-inf")
    assert sent("beat") / HEARTBEAT_INTERVAL + sent("poll") / POLL_INTERVAL < 1


@pytest.fixture
def poor_settings(settings: Settings, database: Database, backend: FilotBackend) -> Iterator[Settings]:
    """Those of a user who may do everything that a worker does; `poor`, whose password is `secret`."""
    with database.transaction():
        pass
    url = needed(settings.database_url, "DATABASE_URL")
    parts = urlsplit(url)
    statements = (
        "CREATE ROLE poor LOGIN PASSWORD 'secret'",
        "GRANT SELECT, UPDATE ON documents TO poor",
        "GRANT USAGE, CREATE ON SCHEMA ocr_worker TO poor",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ocr_worker TO poor",
    )
    for statement in statements:
        backend.execute(statement)
    poor = parts._replace(netloc=f"poor:secret@{parts.hostname}:{parts.port}").geturl()
    yield settings.model_copy(update={"database_url": SecretStr(poor)})
    backend.execute("DROP OWNED BY poor CASCADE")
    backend.execute("DROP ROLE poor")


@pytest.mark.parametrize(
    ("change", "obstacle"),
    [
        (
            "REVOKE UPDATE ON documents FROM poor",
            "our user lacks UPDATE on documents (ai_decision, ai_score, ",
        ),
        ("REVOKE SELECT ON documents FROM poor", "our user lacks SELECT on documents (ai_decision, "),
        ("REVOKE INSERT ON ocr_worker.outbox FROM poor", "our user lacks INSERT on ocr_worker.outbox"),
        ("ALTER ROLE poor SET default_transaction_read_only = on", "it is read-only (default_transaction"),
        ("ALTER ROLE poor SET search_path = nowhere", "the table documents is missing"),
    ],
)
def test_what_postgresql_refuses_is_named(
    change: str, obstacle: str, poor_settings: Settings, backend: FilotBackend
) -> None:
    database = Database(needed(poor_settings.database_url, "DATABASE_URL"), 1)
    poller = Poller(connect_redis(poor_settings), database, poor_settings, timeout=60.0)

    with closing(database):
        poll(poller)
        before = poller.away()
        backend.execute(change)
        with closing(Database(needed(poor_settings.database_url, "DATABASE_URL"), 1)) as later:
            later._is_migrated = True
            refused = Poller(connect_redis(poor_settings), later, poor_settings, timeout=60.0)
            poll(refused)
            (sentence,) = refused.away()

    assert before == []
    assert sentence.startswith(f"PostgreSQL cannot be used: {obstacle}")


def test_what_a_job_was_refused_is_named_until_it_is_allowed(
    poller: Poller, database: Database, backend: FilotBackend
) -> None:
    with pytest.raises(DatabaseRefusedError), database.transaction() as cursor:
        cursor.execute("SELECT * FROM a_table_that_is_missing")

    poll(poller)
    during = poller.away()
    database.clear_refusal()
    assert poller.database_state is not None
    poller.database_state._result_at = float("-inf")
    poll(poller)

    (sentence,) = during
    assert sentence.startswith("PostgreSQL cannot be used: the table a_table_that_is_missing is missing")
    assert poller.away() == []
