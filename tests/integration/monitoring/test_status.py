"""Snapshots of real servers: what they hold, and that taking one changes nothing."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise

import pytest
from dramatiq import Worker

from devstack.backend import PROCESSING, QUEUE, FilotBackend
from service.monitoring.heartbeat import (
    FORGOTTEN,
    HEARTBEAT_PREFIX,
    SEEN_KEY,
    Heartbeat,
    WorkerState,
    worker_states,
)
from service.monitoring.status import LATELY, TrafficReader, read_records
from service.queue.document_queue import TIMESTAMPS_KEY, DocumentQueue, connect_redis
from service.queue.operator_pause import pause, resume
from service.runtime.actors import declare_actors
from service.runtime.app import App, build_app
from service.settings import Settings
from service.store import dead_letters, history, outbox
from service.store.cursor import Cursor
from service.store.database import Database
from service.store.result import GPUOCRResult
from tests.integration.test_api import picture
from tests.support.ids import CARD, NEXT, OTHER, STRANGER


@pytest.fixture
def document_queue(settings: Settings) -> DocumentQueue:
    return DocumentQueue(connect_redis(settings), settings)


@pytest.fixture
def reader(document_queue: DocumentQueue, settings: Settings) -> TrafficReader:
    return TrafficReader(document_queue.client, settings)


@pytest.fixture
def app(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    for name, value in {**environment, "OCR_GPU_DRIVER": "onnx", "OCR_GPU_POLL_INTERVAL": "50"}.items():
        monkeypatch.setenv(name, value)
    with build_app(Settings()) as app:
        declare_actors(app)
        yield app


def result(*, success: bool = True, milliseconds: int = 400, on_gpu: bool = False) -> GPUOCRResult:
    return GPUOCRResult(
        success=success,
        document_id=str(uuid.uuid4()),
        correlation_id=str(uuid.uuid4()),
        job_id=str(uuid.uuid4()),
        gpu_processed=on_gpu,
        processing_time_ms=milliseconds,
        score=90 if success else None,
        outcome="auto_approved" if success else None,
    )


def heartbeat_of(app: App) -> Heartbeat:
    client, active_jobs = app.broker.document_queue.client, app.broker.active_jobs
    return Heartbeat(client, active_jobs, app.devices, app.publisher, gpu_enabled=False)


def end(cursor: Cursor, *, minutes_ago: float = 0, code: str | None = None, milliseconds: int = 400) -> str:
    """Record a job that finished so long before the transaction; returns its document's id."""
    each = result(success=code is None, milliseconds=milliseconds)
    history.put(cursor, each, "KTP", code)
    cursor.execute(
        "UPDATE ocr_worker.endings SET ended_at = now() - %s * interval '1 minute' WHERE job_id = %s",
        (minutes_ago, each.job_id),
    )
    return each.document_id


def test_an_empty_system_has_nothing_to_show(reader: TrafficReader, database: Database) -> None:
    traffic, records = reader.read(), read_records(database)

    assert (traffic.backlog.waiting, traffic.workers, traffic.jobs) == (0, [], [])
    assert (records.hour.finished, records.hour.median, len(records.minutes)) == (0, None, history.MINUTES)
    assert (records.recent, records.failures, records.dead, records.outbox_backlog.given_up) == (
        [],
        [],
        [],
        0,
    )


def test_jobs_in_progress_are_shown_with_age_attempt_and_worker(
    reader: TrafficReader, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    backend.push(OTHER)
    backend.push(NEXT)
    document_queue.fetch("one")
    document_queue.fetch("two")
    backend.redis.hincrby(TIMESTAMPS_KEY, OTHER, -600_000)
    state = WorkerState(worker="one:1", documents=[CARD])
    backend.redis.set(f"{HEARTBEAT_PREFIX}one:1", json.dumps(asdict(state)))
    backend.redis.zadd(SEEN_KEY, {"one:1": time.time()})

    lost, held = reader.read().jobs

    assert (lost.document_id, lost.worker, lost.attempt) == (OTHER, None, 1)
    assert 600 <= lost.seconds < 660
    assert (held.document_id, held.worker) == (CARD, "one:1")
    assert held.seconds < 60


def test_what_a_finished_job_left_behind_is_no_job(reader: TrafficReader, backend: FilotBackend) -> None:
    backend.redis.hset(TIMESTAMPS_KEY, "ended", "1000")

    assert reader.read().jobs == []


def test_a_worker_is_listed_until_it_deregisters(
    app: App, reader: TrafficReader, backend: FilotBackend
) -> None:
    heartbeat = heartbeat_of(app)
    heartbeat.beat()
    (alive,) = reader.read().workers
    heartbeat.deregister()
    # The scheduler may have begun another beat when the worker was told to stop.
    heartbeat.beat()

    gone = reader.read().workers

    assert alive.state == heartbeat.state()
    assert alive.seconds < 60
    assert gone == []
    assert backend.redis.keys("*") == []


def test_a_worker_that_stopped_responding_is_listed_for_an_hour(
    app: App, reader: TrafficReader, backend: FilotBackend
) -> None:
    heartbeat = heartbeat_of(app)
    backend.redis.zadd(SEEN_KEY, {"silent:1": time.time() - 300, "forgotten:1": time.time() - FORGOTTEN - 5})

    heartbeat.beat()
    list_workers = {each.worker: each for each in reader.read().workers}

    assert set(list_workers) == {heartbeat.worker, "silent:1"}
    assert list_workers["silent:1"].state is None
    assert 295 < list_workers["silent:1"].seconds < 360
    assert [state.worker for state in worker_states(reader.client)] == [heartbeat.worker]


def test_a_snapshot_changes_no_key_of_the_backend(reader: TrafficReader, backend: FilotBackend) -> None:
    backend.push("one")
    backend.redis.sadd(PROCESSING, "two")
    before = {key: backend.redis.dump(key) for key in map(str, backend.redis.keys("*"))}

    reader.read()
    after = {key: backend.redis.dump(key) for key in before}

    assert after == before
    assert backend.redis.lrange(QUEUE, 0, -1) == ["one"]


def test_a_pause_is_seen_before_any_worker_tells_of_it(reader: TrafficReader) -> None:
    before = reader.read().pause
    paused = pause(reader.client, "root@vm", "Redis upgrade", 600.0)
    during = reader.read().pause
    resume(reader.client)

    assert (before, during, reader.read().pause) == (None, paused, None)


def test_the_last_hour_is_counted_minute_by_minute(database: Database) -> None:
    with database.transaction() as cursor:
        for milliseconds in (100, 200, 900):
            end(cursor, minutes_ago=10, milliseconds=milliseconds)
        end(cursor, minutes_ago=30, code="not_an_image", milliseconds=5)
        end(cursor, minutes_ago=61)

    records = read_records(database)

    busy = [(each.auto_approved, each.failed, each.median) for each in records.minutes if each.finished]
    starts = [each.start or 0 for each in records.minutes]
    assert busy == [(0, 1, None), (3, 0, 200.0)]
    assert records.hour.finished == 4
    assert records.hour.percentile_95 == pytest.approx(830)
    assert {later - earlier for earlier, later in pairwise(starts)} == {60}


def test_failures_are_counted_by_reason_for_an_hour_and_a_day(database: Database) -> None:
    with database.transaction() as cursor:
        end(cursor, minutes_ago=5, code="not_an_image")
        end(cursor, minutes_ago=120, code="not_an_image")
        end(cursor, minutes_ago=120, code="no_file")

    counted = [(each.code, each.last_hour, each.last_day) for each in read_records(database).failures]

    assert counted == [("not_an_image", 1, 2), ("no_file", 0, 1)]


def test_causes_are_those_of_the_last_minutes_only(database: Database) -> None:
    with database.transaction() as cursor:
        for minutes, code in [(0, "not_an_image"), (1, "not_an_image"), (1, "no_file"), (30, "no_file")]:
            end(cursor, minutes_ago=minutes, code=code)
        for _ in range(3):
            end(cursor, minutes_ago=20, code="no_file")

    records = read_records(database)

    assert records.causes == {"not_an_image": 2, "no_file": 1}
    assert [(each.code, each.last_hour) for each in records.failures] == [("no_file", 5), ("not_an_image", 2)]
    assert sum(each.failed for each in records.minutes[-LATELY:]) == sum(records.causes.values())


def test_the_latest_results_come_first(database: Database) -> None:
    with database.transaction() as cursor:
        older, newer = end(cursor, minutes_ago=5), end(cursor, minutes_ago=1, code="no_file")

    first, second = read_records(database).recent

    assert (first.document_id, first.outcome, first.code, first.score) == (newer, "failed", "no_file", None)
    assert (second.document_id, second.outcome, second.code, second.score) == (
        older,
        "auto_approved",
        None,
        90,
    )
    assert (first.device, second.device) == ("none", "cpu")


def test_what_is_given_up_or_dead_is_counted(database: Database, backend: FilotBackend) -> None:
    documents = [backend.add_document(b"picture") for _ in range(2)]
    with database.transaction() as cursor:
        outbox.put_review(cursor, documents[0], documents[0], "correlation")
        dead_letters.put(cursor, documents[1], documents[1], 3, "EngineError")
    backend.execute("UPDATE ocr_worker.outbox SET given_up_at = now()")

    records = read_records(database)

    assert records.outbox_backlog.given_up == 1
    assert [(job.document_id, job.cause) for job in records.dead] == [(documents[1], "EngineError")]


def test_a_job_that_is_recorded_twice_counts_once(database: Database) -> None:
    each = result()

    with database.transaction() as cursor:
        history.put(cursor, each, "NPWP", None)
        history.put(cursor, each, "NPWP", None)

    assert read_records(database).hour.finished == 1


def test_a_job_record_is_removed_after_a_day(database: Database) -> None:
    with database.transaction() as cursor:
        kept = end(cursor, minutes_ago=23 * 60)
        end(cursor, minutes_ago=25 * 60)

    with database.transaction() as cursor:
        history.purge(cursor)

    assert [each.document_id for each in read_records(database).recent] == [kept]


def test_only_types_that_filot_knows_are_shown(database: Database) -> None:
    with database.transaction() as cursor:
        history.put(cursor, result(), "SIM of Budi", None)

    assert [each.document_type for each in read_records(database).recent] == ["other"]


def test_a_document_that_was_worked_on_is_shown_with_its_outcome(app: App, backend: FilotBackend) -> None:
    read, refused = backend.add_document(picture(), "NPWP"), backend.add_document(b"no picture", "KTP")
    worker = Worker(app.broker, worker_threads=3, worker_timeout=100)

    with backend.listen() as channel:
        worker.start()
        backend.enqueue(read)
        backend.enqueue(refused)
        backend.push(STRANGER)
        published = {each["documentId"]: each for each in channel.wait_for(3)}
    worker.stop()
    app.broker.close()

    shown = {each.document_id: each for each in read_records(app.processing.database).recent}
    assert set(shown) == {read, refused, STRANGER}
    assert shown[read].document_type == "NPWP"
    assert shown[read].outcome == "pending_manual_review"
    assert shown[read].device == "cpu"
    assert shown[read].score == published[read]["score"]
    assert shown[read].milliseconds == published[read]["processingTimeMs"]
    assert (shown[refused].outcome, shown[refused].code) == ("failed", "not_an_image")
    assert (shown[STRANGER].document_type, shown[STRANGER].code) == ("other", "no_such_document")
