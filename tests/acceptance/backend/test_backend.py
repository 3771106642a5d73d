"""The contract, played by the backend's own libraries: it queues, polls beside us, recovers and decides."""

import json
import random
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from devstack.backend import PROCESSING, QUEUE, FilotBackend
from devstack.cards import render_ktp
from devstack.degrade import encode_jpeg, poor
from devstack.people import Person, invent_person
from devstack.servers import FilotStack
from devstack.servers.worker import Worker
from tests.acceptance.backend.conftest import NodeBackend
from tests.acceptance.test_main_job import job_keys, small_picture
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.programs("node", "backend"), pytest.mark.timeout(600)]

Starter = Callable[..., Worker]

#: Keys of the backend's own pipeline.
CPU_QUEUE = "filot:ocr:queue"

#: s that much work may take on a machine that does something else beside.
LONG = 500.0


def readings(*workers: Worker) -> Counter[str]:
    """How often the workers read each document, by their logs."""
    lines = [json.loads(line) for worker in workers for line in worker.log.read_text().splitlines()]
    return Counter(line["document_id"] for line in lines if line.get("event") == "document_read")


def blurred_ktp(seed: int) -> bytes:
    rng = random.Random(seed)
    return encode_jpeg(poor(render_ktp(invent_person(rng), rng), rng))


def reviewed(stack: FilotStack) -> Counter[str]:
    return Counter(review.body["documentId"] for review in stack.reviews.received())


def rows(backend: FilotBackend) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in backend.execute("SELECT *, id::text AS id FROM documents")}


def test_enqueue_for_gpu_is_refused_while_a_document_waits(node: NodeBackend, backend: FilotBackend) -> None:
    document_id = node.upload(small_picture("BUDI"), "NPWP")

    accepted = [node.ask("POST", f"/documents/{document_id}/enqueue-gpu")[1] for _ in range(2)]

    assert accepted == [True, False]
    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]


def test_a_document_on_the_gpu_list_is_read_and_its_result_received(
    node: NodeBackend, start_claiming: Starter, ktp: bytes, person: Person
) -> None:
    document_id = node.upload(ktp, "KTP")
    node.ask("POST", f"/documents/{document_id}/enqueue-gpu")

    start_claiming(OCR_GPU_CLAIM_CPU_QUEUE="false")
    (result,) = node.results(1)

    row = node.row(document_id)
    assert (result["documentId"], result["success"]) == (document_id, True)
    assert result["parsedResult"]["nik"] == person.nik
    assert (row["status"], row["verification_status"]) == ("completed", "auto_approved")
    assert row["result_json"] == {**result["parsedResult"], "fields": result["fields"]}


def test_a_worker_that_does_not_claim_leaves_the_cpu_list_alone(
    node: NodeBackend, start_claiming: Starter, backend: FilotBackend
) -> None:
    left = node.upload(small_picture("BUDI"), "NPWP")
    ours = node.upload(small_picture("SITI"), "NPWP")
    node.process(left)
    node.ask("POST", f"/documents/{ours}/enqueue-gpu")

    start_claiming(OCR_GPU_CLAIM_CPU_QUEUE="false")
    results = node.results(1)

    assert [result["documentId"] for result in results] == [ours]
    assert backend.redis.lrange(CPU_QUEUE, 0, -1) == [left]
    assert backend.redis.hgetall("filot:ocr:attempts") == {left: "0"}


def test_two_workers_and_the_backends_loop_share_the_cpu_list(
    node: NodeBackend, start_claiming: Starter, backend: FilotBackend
) -> None:
    documents = [node.upload(small_picture(f"BUDI {n:03}"), "NPWP") for n in range(200)]
    workers = [start_claiming(), start_claiming()]

    node.ask("POST", "/loop?interval=300")
    accepted = [node.process(document_id) for document_id in documents]
    wait_until(lambda: all(row["status"] == "completed" for row in rows(backend).values()), LONG)
    wait_until(lambda: not backend.redis.exists(PROCESSING))
    _, by_backend = node.ask("DELETE", "/loop")
    ours = set(documents) - set(by_backend)
    results = node.results(len(ours))

    assert all(accepted)
    assert len(by_backend) == len(set(by_backend)) > 0
    assert Counter(result["documentId"] for result in results) == Counter(ours)
    assert all(result["success"] for result in results)
    assert readings(*workers) == Counter(ours)
    read_by_backend = {
        document_id for document_id, row in rows(backend).items() if row["ocr_text"] == "read by the backend"
    }
    assert read_by_backend == set(by_backend)
    assert job_keys(backend) == []


def test_start_up_recovery_in_the_middle_of_the_work_changes_no_result(
    node: NodeBackend, start_claiming: Starter, backend: FilotBackend, stack: FilotStack, ktp: bytes
) -> None:
    poor_cards = [node.upload(blurred_ktp(seed), "KTP") for seed in range(3)]
    good = [node.upload(ktp, "KTP") for _ in range(3)]
    small = [node.upload(small_picture(f"SITI {n:03}"), "NPWP") for n in range(44)]
    documents = [*poor_cards, *good, *small]
    for document_id in documents:
        node.process(document_id)
    worker = start_claiming(OCR_GPU_CONCURRENCY="4", OCR_GPU_POLL_INTERVAL="50")
    node.results(5)

    _, recovered = node.ask("POST", "/recover")
    node.results(20)
    node.ask("POST", "/recover")
    wait_until(lambda: all(row["status"] == "completed" for row in rows(backend).values()), LONG)
    wait_until(lambda: job_keys(backend) == [], LONG)
    escalated = {
        document_id
        for document_id, row in rows(backend).items()
        if row["verification_status"] == "pending_manual_review"
    }
    wait_until(lambda: set(reviewed(stack)) == escalated)
    results = node.results(len(documents))
    worker.stop()

    assert len(recovered) > 0
    # A second id of a document that is done by then publishes its result again; nothing is read again.
    assert readings(worker) == Counter(documents)
    assert set(poor_cards) <= escalated
    assert not escalated & set(good)
    assert reviewed(stack) == Counter(escalated)
    stored = rows(backend)
    assert {result["documentId"] for result in results} == set(documents)
    for result in results:
        assert result["parsedResult"].items() <= stored[result["documentId"]]["result_json"].items()
        assert result["outcome"] == stored[result["documentId"]]["verification_status"]


def test_a_decision_reaches_the_row_by_the_url_that_the_review_was_given(
    node: NodeBackend, start_claiming: Starter, backend: FilotBackend, stack: FilotStack
) -> None:
    document_id = node.upload(blurred_ktp(1), "KTP")
    start_claiming()

    node.process(document_id)
    node.results(1)
    wait_until(lambda: node.row(document_id)["buli2_ticket_id"])
    (review,) = stack.reviews.received()
    status = node.decide(review.body["callbackUrl"], "approved")

    (asked,) = backend.execute(
        "SELECT *, id::text AS id, document_id::text AS document_id FROM manual_reviews"
    )
    row = node.row(document_id)
    assert status == HTTPStatus.OK
    assert (asked["document_id"], asked["id"]) == (document_id, review.body["reviewId"])
    assert (asked["status"], asked["decision"]) == ("completed", "approved")
    assert asked["buli2_task_id"] == row["buli2_ticket_id"]
    assert asked["payload"].keys() >= {"documentType", "parsedData", "ocrText", "score", "reasons"}
    assert row["verification_status"] == "manually_approved"
    assert row["status"] == "completed"


def test_a_repeat_of_a_decided_document_says_what_the_worker_decided(
    node: NodeBackend, start_claiming: Starter, stack: FilotStack
) -> None:
    document_id = node.upload(blurred_ktp(1), "KTP")
    start_claiming()
    node.process(document_id)
    (first,) = node.results(1)
    wait_until(lambda: node.row(document_id)["buli2_ticket_id"])
    node.decide(stack.reviews.received()[0].body["callbackUrl"], "rejected")

    wait_until(lambda: node.ask("POST", f"/documents/{document_id}/enqueue-gpu")[1])
    _, again = node.results(2)

    assert again["parsedResult"] == first["parsedResult"]
    assert (again["decision"], again["outcome"]) == ("needs_review", "pending_manual_review")
    assert again["verificationStatus"] == "manually_rejected"
    assert len(stack.reviews.received()) == 1


def test_a_decision_on_a_review_that_nobody_asked_for_is_not_found(node: NodeBackend) -> None:
    status = node.decide(f"{node.callback_url}/6b5f1d6e-0000-4000-8000-000000000000/callback", "approved")

    assert status == HTTPStatus.NOT_FOUND
