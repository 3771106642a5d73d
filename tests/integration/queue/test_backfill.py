"""Backfill: each document is enqueued once, in the backend's order, however often it is stopped."""

from collections import Counter
from collections.abc import Iterator

import pytest
import redis

from devstack.backend import QUEUE, FilotBackend
from devstack.servers import FilotStack
from service import settings
from service.queue import backfill
from service.queue.backfill import Candidates, Fate, Pace, Tally, Wanted, candidates, push, run
from service.queue.document_queue import CPU_QUEUE_KEY, DocumentQueue
from service.store import dead_letters
from service.store.database import Database


@pytest.fixture(autouse=True)
def gpu_enabled(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A backend that routes to the GPU."""
    monkeypatch.setenv("OCR_GPU_ENABLED", "true")
    settings.current_settings.cache_clear()
    yield
    settings.current_settings.cache_clear()


def fast() -> Pace:
    return Pace(rate=1e6)


def upload(backend: FilotBackend, count: int) -> list[str]:
    return [backend.add_document(b"picture") for _ in range(count)]


def test_candidates_are_found_oldest_first(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    cards = upload(backend, 3)
    tax_card = backend.add_document(b"picture", "NPWP")
    backend.add_document(b"picture", "SIM")
    done, without_file = upload(backend, 2)
    backend.execute("UPDATE documents SET status = 'completed' WHERE id = %s", done)
    backend.execute("UPDATE documents SET file_url = NULL WHERE id = %s", without_file)
    backend.push(cards[1])

    of_one_type = candidates(database, document_queue, Wanted("uploaded", "KTP"))
    of_both = candidates(database, document_queue, Wanted("uploaded"))

    assert of_one_type == Candidates([cards[0], cards[2]], 1, Counter())
    assert of_both == Candidates([cards[0], cards[2], tax_card], 1, Counter())


def test_of_failed_documents_those_are_found_that_another_try_may_help(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    codes = ("file_missing", "not_an_image", "cancelled", "not_an_image")
    cards = dict(zip(upload(backend, len(codes)), codes, strict=True))
    for card, code in cards.items():
        result = f'{{"error": "-", "errorCode": "{code}"}}'
        backend.execute(
            "UPDATE documents SET status = 'failed', result_json = %s WHERE id = %s", result, card
        )
    # Failed before the worker stored codes, or by the backend's own pipeline.
    (old,) = upload(backend, 1)
    backend.execute("UPDATE documents SET status = 'failed' WHERE id = %s", old)
    missing = next(iter(cards))

    helpful = candidates(database, document_queue, Wanted("failed"))
    every = candidates(database, document_queue, Wanted("failed", hopeless=True))

    assert helpful == Candidates([missing, old], 0, Counter(not_an_image=2, cancelled=1))
    assert every == Candidates([*cards, old], 0, Counter())


def test_a_document_is_enqueued_in_the_order_of_the_backend(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    cards = upload(backend, 3)

    tally = run(database, document_queue, cards, "uploaded", fast())

    assert tally.fates[Fate.PUSHED] == 3
    assert backend.redis.lrange(QUEUE, 0, -1) == cards
    assert {backend.row(card)["status"] for card in cards} == {"processing"}


def test_a_second_run_enqueues_nothing_twice(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    cards = upload(backend, 2)
    run(database, document_queue, cards, "uploaded", fast())

    tally = run(database, document_queue, cards, "uploaded", fast())

    assert tally.fates == {Fate.PUSHED: 0, Fate.KNOWN: 0, Fate.CHANGED: 2}
    assert backend.redis.lrange(QUEUE, 0, -1) == cards


def test_a_stopped_run_goes_on_where_it_stopped(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    cards = upload(backend, 4)
    pace = fast()

    def stop_after_two(tally: Tally) -> None:
        if tally.seen == 2:
            pace.stop()

    stopped = run(database, document_queue, cards, "uploaded", pace, stop_after_two)
    left = candidates(database, document_queue, Wanted("uploaded")).documents
    run(database, document_queue, left, "uploaded", fast())

    assert stopped.fates[Fate.PUSHED] == 2
    assert left == cards[2:]
    assert backend.redis.lrange(QUEUE, 0, -1) == cards


def test_without_a_gpu_the_cpu_pipeline_gets_them(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = upload(backend, 2)
    settings.current_settings.cache_clear()
    monkeypatch.setenv("OCR_GPU_ENABLED", "false")

    run(database, document_queue, cards, "uploaded", fast())

    assert backend.redis.lrange(CPU_QUEUE_KEY, 0, -1) == cards
    assert backend.redis.llen(QUEUE) == 0


def test_a_document_enqueued_by_someone_else_is_counted_apart(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    (card,) = upload(backend, 1)
    backend.push(card)

    fate = push(database, document_queue, card, "uploaded")

    assert fate is Fate.KNOWN
    assert backend.redis.lrange(QUEUE, 0, -1) == [card]


def test_an_enqueued_failed_document_leaves_the_dead_letters(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    (card,) = upload(backend, 1)
    backend.execute("UPDATE documents SET status = 'failed' WHERE id = %s", card)
    with database.transaction() as cursor:
        dead_letters.put(cursor, card, card, 3, "EngineError")

    fate = push(database, document_queue, card, "failed")

    assert fate is Fate.PUSHED
    assert backend.row(card)["status"] == "processing"
    assert backend.execute("SELECT 1 FROM ocr_worker.dead") == []


def test_without_redis_a_row_gets_its_status_back(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend, stack: FilotStack
) -> None:
    cards = upload(backend, 2)
    stack.valkey.kill()

    with pytest.raises(redis.RedisError):
        push(database, document_queue, cards[0], "uploaded")
    tally = run(database, document_queue, cards, "uploaded", fast())
    stack.valkey.start()

    assert "Redis is away" in tally.outage
    assert tally.seen == 0
    assert {backend.row(card)["status"] for card in cards} == {"uploaded"}


def test_the_rate_is_kept_and_lost_time_is_not_made_up_for() -> None:
    now, gone = [100.0], []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(rate=4, clock=lambda: now[0], sleep=sleep)
    for slow in (0, 0, 5, 0, 0):
        assert pace.wait()
        gone.append(now[0])
        now[0] += slow

    assert gone == pytest.approx([100, 100.25, 100.5, 105.5, 105.75])


def test_a_stop_ends_a_wait_early() -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        pace.stop()

    pace = Pace(rate=0.01, clock=lambda: 0.0, sleep=pause)
    first = pace.wait()

    second = pace.wait()

    assert (first, second) == (True, False)
    assert pauses == [backfill.STEP]
