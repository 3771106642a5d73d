"""Entries of the list that are no document ids: they leave at once, are counted, and stop nothing."""

import uuid

import pytest
from structlog.testing import capture_logs

from devstack.backend import ATTEMPTS, CORRELATION, PROCESSING, QUEUE, FilotBackend
from service.queue import routing
from service.queue.document_queue import CPU_QUEUE_KEY, DocumentQueue
from service.queue.recovery import Recovery
from service.store.database import Database
from service.telemetry.metrics import REGISTRY
from tests.support.ids import CARD, OTHER

ENTRIES = [
    b"\xff\xfe\x00 binary",
    CARD[:-1].encode() + b"\x00",
    f"urn:uuid:{CARD}".encode(),
    CARD.upper().encode(),
    f"{{{CARD}}}".encode(),
    CARD.replace("-", "").encode(),
    f" {CARD}".encode(),
    f"{CARD}\n".encode(),
    b"",
    b"card",
]


def refused() -> float:
    value = REGISTRY.get_sample_value("filot_ocr_queue_entries_refused_total")
    assert value is not None
    return value


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_that_is_no_id_is_removed_and_counted_and_its_text_is_not_logged(
    document_queue: DocumentQueue, backend: FilotBackend, entry: bytes
) -> None:
    before = refused()
    backend.redis.hset(CORRELATION, entry, "x")
    backend.redis.rpush(QUEUE, entry, OTHER)
    backend.redis.hset(ATTEMPTS, entry, "0")

    with capture_logs() as lines:
        job = document_queue.fetch("token")

    assert job is not None
    assert job.document_id == OTHER
    assert backend.redis.llen(QUEUE) == 0
    assert (backend.redis.hlen(ATTEMPTS), backend.redis.hlen(CORRELATION)) == (1, 1)
    assert refused() == before + 1
    (line,) = lines
    assert (line["event"], line["entries"], line["length"]) == ("queue_entries_refused", 1, len(entry))
    assert len(line["sha1"]) == 40


@pytest.mark.parametrize("version", [1, 4, 7])
def test_ids_of_every_version_are_ids(
    document_queue: DocumentQueue, backend: FilotBackend, version: int
) -> None:
    document_id = str(uuid.UUID(int=uuid.uuid4().int & ~(0xF << 76) | version << 76))
    backend.push(document_id)

    job = document_queue.fetch("token")

    assert job is not None
    assert job.document_id == document_id


def test_one_fetch_removes_a_bounded_number_of_entries(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, *[f"no id {number}" for number in range(250)], CARD)

    jobs = [document_queue.fetch("token") for _ in range(3)]

    assert [job.document_id if job else None for job in jobs] == [None, None, CARD]


def test_the_reaper_removes_members_and_fields_that_are_no_ids(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    for entry in ENTRIES:
        backend.redis.sadd(PROCESSING, entry)
        backend.redis.hset(ATTEMPTS, entry, "0")

    returned, leftovers = document_queue.reap([])

    assert (returned, leftovers) == (0, set())
    assert document_queue.stalled(requeue=True) == []
    assert backend.redis.exists(PROCESSING, ATTEMPTS, QUEUE) == 0


def test_binary_entries_do_not_stop_the_recovery(
    document_queue: DocumentQueue, backend: FilotBackend, database: Database
) -> None:
    document_id = backend.add_document(b"picture")
    backend.execute("UPDATE documents SET status = 'processing'")
    backend.redis.rpush(QUEUE, ENTRIES[0])
    backend.redis.sadd(PROCESSING, ENTRIES[0])
    recovery = Recovery(database, document_queue)

    recovery.look()
    recovery.look()

    assert backend.redis.lpos(QUEUE, document_id) is not None


@pytest.mark.parametrize("entry", ["card", CARD.upper(), f"urn:uuid:{CARD}", "\x00", ""])
def test_enqueue_refuses_what_is_no_id(
    document_queue: DocumentQueue, backend: FilotBackend, entry: str
) -> None:
    assert document_queue.enqueue(entry) is False
    assert routing.route_document(document_queue, entry) is False
    assert backend.redis.exists(QUEUE, CPU_QUEUE_KEY) == 0
