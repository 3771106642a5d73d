"""What the broker hands to Dramatiq's threads, and what it does with their answers."""

from collections.abc import Iterator

import dramatiq
import pytest
import redis
from dramatiq.errors import ConnectionClosed
from structlog.testing import capture_logs

from devstack.backend import ATTEMPTS, QUEUE, FilotBackend
from devstack.servers import FilotStack
from service.errors import SettingsError, UnavailableError
from service.queue.active_jobs import ActiveJobs
from service.queue.broker import DOCUMENTS, REVIEWS, DocumentConsumer, FilotBroker, ReviewConsumer
from service.queue.document_queue import DocumentQueue, Job, Settlement, connect_redis
from service.queue.job_context import JobContext
from service.settings import Settings
from service.store import outbox
from service.store.database import Database
from tests.support.ids import CARD, OTHER


@pytest.fixture
def broker(settings: Settings, database: Database) -> Iterator[FilotBroker]:
    client = connect_redis(settings)
    document_queue = DocumentQueue(client, settings)
    active_jobs = ActiveJobs(document_queue, limit=2)
    yield FilotBroker(document_queue, active_jobs, database, settings)
    active_jobs.close()
    client.close()


@pytest.fixture
def documents(broker: FilotBroker) -> DocumentConsumer:
    consumer = broker.consume(DOCUMENTS)
    assert isinstance(consumer, DocumentConsumer)
    consumer.poll_interval = 0.01
    return consumer


@pytest.fixture
def reviews(broker: FilotBroker) -> ReviewConsumer:
    consumer = broker.consume(REVIEWS)
    assert isinstance(consumer, ReviewConsumer)
    consumer.poll_interval = 0.01
    return consumer


def fetch(consumer: DocumentConsumer) -> dramatiq.MessageProxy:
    message = next(consumer)
    assert message is not None
    return message


def test_there_are_two_queues_and_no_others(broker: FilotBroker) -> None:
    broker.declare_queue(DOCUMENTS)
    broker.declare_queue(REVIEWS)

    with pytest.raises(ValueError, match="no such queue: default"):
        broker.declare_queue("default")
    assert broker.get_declared_queues() == {DOCUMENTS, REVIEWS}


def test_a_document_can_be_enqueued_and_a_review_cannot(broker: FilotBroker, backend: FilotBackend) -> None:
    def message(queue: str) -> "dramatiq.Message[None]":
        return dramatiq.Message(queue_name=queue, actor_name="any", args=(CARD,), kwargs={}, options={})

    broker.enqueue(message(DOCUMENTS))

    with pytest.raises(ValueError, match="only documents"):
        broker.enqueue(message(REVIEWS))
    with pytest.raises(ValueError, match="without delay"):
        broker.enqueue(message(DOCUMENTS), delay=1)
    assert backend.redis.lrange(QUEUE, 0, -1) == [CARD]


def test_a_message_carries_its_job(documents: DocumentConsumer, backend: FilotBackend) -> None:
    backend.push(CARD)

    message = fetch(documents)

    context = JobContext.of(message)
    assert context.job is not None
    assert (context.job.document_id, message.args) == (CARD, (CARD,))
    assert message.message_id == context.job.token
    assert (context.settlement, context.result) == (None, None)


def test_a_job_is_finished_as_the_middleware_decided(
    documents: DocumentConsumer, backend: FilotBackend
) -> None:
    backend.push(CARD)
    message = fetch(documents)
    JobContext.of(message).settlement = Settlement("done")

    documents.ack(message)

    assert backend.redis.llen(QUEUE) == 0
    assert documents.active_jobs.tokens() == []
    assert backend.redis.hget(ATTEMPTS, CARD) is None


def test_a_job_without_a_decision_goes_back_and_no_attempt_is_counted(
    documents: DocumentConsumer, backend: FilotBackend
) -> None:
    backend.push(CARD)

    documents.nack(fetch(documents))

    assert backend.redis.lrange(QUEUE, 0, -1) == [CARD]
    assert backend.redis.hget(ATTEMPTS, CARD) == "0"


def test_jobs_that_no_thread_started_go_back_whatever_was_decided(
    documents: DocumentConsumer, backend: FilotBackend
) -> None:
    backend.push(CARD)
    backend.push(OTHER)
    messages = [fetch(documents), fetch(documents)]
    JobContext.of(messages[0]).settlement = Settlement("done")

    documents.requeue(messages)

    assert set(backend.redis.lrange(QUEUE, 0, -1)) == {CARD, OTHER}
    assert documents.active_jobs.tokens() == []


def test_a_job_stays_active_while_redis_cannot_hear_of_its_end(
    documents: DocumentConsumer, backend: FilotBackend, stack: FilotStack
) -> None:
    backend.push(CARD)
    message = fetch(documents)
    JobContext.of(message).settlement = Settlement("done")
    stack.valkey.kill()

    with pytest.raises(ConnectionClosed):
        documents.ack(message)
    stack.valkey.start()

    assert documents.active_jobs.tokens() == [message.message_id]


def test_a_fetch_whose_reply_was_lost_is_repeated(
    documents: DocumentConsumer, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.push(CARD)
    real = documents.document_queue.fetch
    replies: list[Job | None] = []

    def lose_first_reply(token: str) -> Job | None:
        job = real(token)
        if not replies:
            replies.append(job)
            raise redis.TimeoutError
        return job

    monkeypatch.setattr(documents.document_queue, "fetch", lose_first_reply)

    without = next(documents)
    message = fetch(documents)

    assert without is None
    assert JobContext.of(message).job == replies[0]


def test_a_redis_that_cannot_hold_the_queue_is_named_and_waited_for(
    documents: DocumentConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(token: str) -> Job | None:
        raise SettingsError("REDIS_URL is a Redis in cluster mode")

    monkeypatch.setattr(documents.document_queue, "fetch", refuse)

    stops: list[None] = []
    documents.on_unusable_redis = lambda: stops.append(None)
    # Found after an outage that was logged just before.
    documents.outage.should_log()

    with capture_logs() as lines:
        messages = [next(documents), next(documents)]

    assert messages == [None, None]
    assert [line["reason"] for line in lines if line["event"] == "redis_away"] == [
        "REDIS_URL is a Redis in cluster mode"
    ]
    assert len(stops) == 2


def put_review(database: Database) -> None:
    with database.transaction() as cursor:
        outbox.put_review(cursor, OTHER, CARD, OTHER)


def test_due_reviews_are_claimed_one_at_a_time(
    reviews: ReviewConsumer, database: Database, backend: FilotBackend
) -> None:
    put_review(database)
    with database.transaction() as cursor:
        outbox.put_review(cursor, CARD, OTHER, OTHER)

    first = next(reviews)
    assert first is not None
    while_busy = next(reviews)
    reviews.ack(first)
    second = next(reviews)

    assert while_busy is None
    assert second is not None
    assert {first.args[0], second.args[0]} == {CARD, OTHER}
    assert JobContext.of(second).job is None


def test_no_review_is_claimed_while_the_process_stops(
    reviews: ReviewConsumer, database: Database, backend: FilotBackend
) -> None:
    put_review(database)

    reviews.active_jobs.stop_fetching()

    assert next(reviews) is None


def test_an_outage_of_the_database_is_logged_once(
    reviews: ReviewConsumer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise UnavailableError("PostgreSQL is away")

    monkeypatch.setattr(database, "autocommit", away)

    with capture_logs() as lines:
        messages = [next(reviews), next(reviews)]

    assert messages == [None, None]
    assert [(line["event"], line["reason"]) for line in lines] == [
        ("reviews_not_looked_for", "PostgreSQL is away")
    ]
