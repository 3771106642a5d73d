"""The backend's side of the contract, as the demo and the tests play it."""

import json
import uuid

import pytest

from devstack.backend import ATTEMPTS, CORRELATION, PROCESSING, QUEUE, RESULTS, FilotBackend
from devstack.servers import FilotStack


def test_an_upload_is_an_object_and_a_row_that_names_it(backend: FilotBackend) -> None:
    document_id = backend.add_document(b"card", "NPWP", extension="png")

    row = backend.row(document_id)
    assert (row["type"], row["status"], row["verification_status"]) == ("NPWP", "uploaded", "pending")
    assert row["file_url"].startswith(f"{row['user_id']}/NPWP_")
    assert row["file_url"].endswith(".png")
    stored = backend.storage.get_object(Bucket=backend.bucket, Key=row["file_url"])["Body"].read()
    assert stored == b"card"


def test_one_user_may_own_several_documents(backend: FilotBackend) -> None:
    user_id = backend.add_user()

    ids = [backend.add_document(b"card", user_id=user_id) for _ in range(2)]

    assert {backend.row(document_id)["user_id"] for document_id in ids} == {user_id}


def test_a_queued_document_is_processing_and_waits_last_with_no_attempts_yet(backend: FilotBackend) -> None:
    first, second = backend.add_document(b"card"), backend.add_document(b"card")

    queued = [backend.enqueue(document_id) for document_id in (first, second)]

    assert queued == [True, True]
    assert backend.row(first)["status"] == "processing"
    assert backend.redis.lrange(QUEUE, 0, -1) == [first, second]
    assert backend.redis.hgetall(ATTEMPTS) == {first: "0", second: "0"}
    assert uuid.UUID(str(backend.redis.hget(CORRELATION, first)))


def test_an_id_that_waits_or_is_in_work_is_refused(backend: FilotBackend) -> None:
    backend.push("waiting")
    backend.redis.sadd(PROCESSING, "in work")

    pushed = [backend.push(document_id) for document_id in ("waiting", "in work")]

    assert pushed == [False, False]
    assert backend.redis.lrange(QUEUE, 0, -1) == ["waiting"]


def test_an_id_is_refused_while_redis_is_away(stack: FilotStack, backend: FilotBackend) -> None:
    stack.valkey.stop()
    try:
        pushed = backend.push("d-1")
    finally:
        stack.valkey.start()

    assert not pushed


def test_a_listener_hears_everything_published_since_it_began(backend: FilotBackend) -> None:
    backend.redis.publish(RESULTS, json.dumps({"documentId": "too early"}))
    with backend.listen() as channel:
        for number in range(3):
            backend.redis.publish(RESULTS, json.dumps({"documentId": f"d-{number}"}))

        first = channel.wait_for(1)
        results = channel.wait_for(3)

    assert first[0] == {"documentId": "d-0"}
    assert [result["documentId"] for result in results] == ["d-0", "d-1", "d-2"]


def test_a_listener_says_how_many_results_are_missing(backend: FilotBackend) -> None:
    with backend.listen() as channel:
        backend.redis.publish(RESULTS, "{}")
        channel.wait_for(1)

        with pytest.raises(TimeoutError, match="1 of 2 results"):
            channel.wait_for(2, timeout=0.1)


def test_clearing_leaves_nothing_not_even_in_schemas_of_others(backend: FilotBackend) -> None:
    backend.enqueue(backend.add_document(b"card"))
    backend.execute("CREATE SCHEMA other")
    backend.execute("CREATE TABLE other.things AS SELECT 1 AS thing")

    backend.clear()

    left = [backend.execute(f"SELECT * FROM {table}") for table in ("users", "documents", "other.things")]
    backend.execute("DROP SCHEMA other CASCADE")
    assert left == [[], [], []]
    assert backend.redis.keys() == []
    assert backend.storage.list_objects_v2(Bucket=backend.bucket)["KeyCount"] == 0
