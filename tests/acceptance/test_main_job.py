"""A document's id is pushed; its fields are in the row and on the channel. The worker is a real process."""

import random
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from devstack.backend import ATTEMPTS, CORRELATION, PROCESSING, QUEUE, FilotBackend
from devstack.cards import render_ktp
from devstack.degrade import encode_jpeg, encode_pdf, poor
from devstack.people import Person
from devstack.servers import FilotStack
from devstack.servers.worker import Worker
from tests.support.schemas import faults
from tests.support.waiting import wait_until

WorkerStarter = Callable[..., Worker]


def job_keys(backend: FilotBackend) -> list[str]:
    """Every key but the living workers' heartbeats."""
    of_the_living = ("filot:ocr:gpu:worker:", "filot:ocr:gpu:watch")
    return [key for key in map(str, backend.redis.keys("*")) if not key.startswith(of_the_living)]


def wait_until_settled(backend: FilotBackend) -> None:
    """Wait until no document is in work: a result goes out just before its job is settled."""
    wait_until(lambda: not backend.redis.scard(PROCESSING))


def small_picture(text: str) -> bytes:
    """Two lines that are read in a moment."""
    page = np.full((120, 560), 240, np.uint8)
    cv2.putText(page, "NPWP 95.427.374.4-599.000", (20, 45), cv2.FONT_HERSHEY_DUPLEX, 1, (30, 30, 30), 2)
    cv2.putText(page, text, (20, 95), cv2.FONT_HERSHEY_DUPLEX, 1, (30, 30, 30), 2)
    return encode_jpeg(page)


def test_a_queued_card_is_read_stored_and_published(
    start_worker: WorkerStarter, backend: FilotBackend, ktp: bytes, person: Person
) -> None:
    document_id = backend.add_document(ktp, "KTP")
    backend.enqueue(document_id)
    # It is gone when the job is settled.
    correlation_id = backend.redis.hget(CORRELATION, document_id)

    with backend.listen() as channel:
        start_worker()
        (result,) = channel.wait_for(1)

    row = backend.row(document_id)
    assert result["success"] is True
    assert result["documentId"] == document_id
    assert result["correlationId"] == correlation_id
    assert result["gpuProcessed"] is False
    assert result["processingTimeMs"] > 0
    assert result["parsedResult"]["nik"] == person.nik
    assert result["parsedResult"]["name"] == person.name
    assert (result["decision"], result["outcome"]) == ("auto_approve", "auto_approved")
    assert row["status"] == "completed"
    assert row["result_json"] == {**result["parsedResult"], "fields": result["fields"]}
    assert result["fields"].keys() == result["parsedResult"].keys()
    assert all(len(detail["box"]) == 4 and detail["page"] == 1 for detail in result["fields"].values())
    assert row["ocr_text"] == result["ocrText"]
    assert (row["ai_score"], row["ai_decision"]) == (result["score"], "auto_approve")
    assert row["verification_status"] == "auto_approved"
    assert row["processed_at"] is not None
    assert row["buli2_ticket_id"] is None


def test_a_tax_card_in_a_pdf_is_read(
    start_worker: WorkerStarter, backend: FilotBackend, npwp: bytes, person: Person
) -> None:
    picture = cv2.imdecode(np.frombuffer(npwp, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    document_id = backend.add_document(encode_pdf(picture.astype(np.uint8)), "NPWP", extension="pdf")
    start_worker()

    with backend.listen() as channel:
        backend.enqueue(document_id)
        (result,) = channel.wait_for(1)

    assert result["parsedResult"]["name"] == person.name
    assert "".join(filter(str.isdigit, result["parsedResult"]["npwpNumber"])) == person.npwp


def test_a_card_too_poor_to_read_goes_to_a_person_once(
    start_worker: WorkerStarter, backend: FilotBackend, stack: FilotStack, person: Person
) -> None:
    blurred = poor(render_ktp(person, random.Random(1)), random.Random(1))
    document_id = backend.add_document(encode_jpeg(blurred), "KTP")
    start_worker(OCR_GPU_POLL_INTERVAL="50")

    with backend.listen() as channel:
        backend.enqueue(document_id)
        (result,) = channel.wait_for(1)
    wait_until(lambda: backend.row(document_id)["buli2_ticket_id"])

    (review,) = stack.reviews.received()
    assert result["outcome"] == "pending_manual_review"
    assert review.body["documentId"] == document_id
    assert list(faults("review-request", review.body)) == []
    assert backend.row(document_id)["verification_status"] == "pending_manual_review"


# Much work: a machine that does something else beside has all the time that it needs.
@pytest.mark.timeout(600)
def test_two_hundred_ids_and_two_workers_give_two_hundred_results_and_empty_keys(
    start_worker: WorkerStarter, backend: FilotBackend
) -> None:
    documents = [backend.add_document(small_picture(f"BUDI {n:03}"), "NPWP") for n in range(200)]
    # Before the workers start: the backend sets a document's attempts after it has pushed it, and a worker
    # may be through by then and have removed them. (Its reaper does so again, later.)
    accepted = [backend.enqueue(document_id) for document_id in documents]

    with backend.listen() as channel:
        start_worker()
        start_worker()
        results = channel.wait_for(200, timeout=540)
        wait_until_settled(backend)

    assert all(accepted)
    assert sorted(result["documentId"] for result in results) == sorted(documents)
    assert all(result["success"] for result in results)
    assert job_keys(backend) == []
    counted = backend.execute("SELECT status::text AS status, count(*) AS n FROM documents GROUP BY status")
    assert counted == [{"status": "completed", "n": 200}]


BAD_FILES = {
    "an empty file": b"",
    "not an image": b"hello, this is a letter",
    "a truncated JPEG": small_picture("BUDI")[:2000],
    "a blank page": encode_jpeg(np.full((600, 900), 255, np.uint8)),
}


@pytest.fixture
def bad_documents(backend: FilotBackend) -> dict[str, str]:
    """Ids by what is wrong with them."""
    documents = {wrong: backend.add_document(content, "KTP") for wrong, content in BAD_FILES.items()}
    documents["an unknown type"] = backend.add_document(small_picture("BUDI"), "PASPOR")
    for wrong, url in (
        ("no file_url", None),
        ("a missing object", "nobody/KTP_1.jpg"),
        ("a foreign scheme", "ftp://x/y"),
    ):
        documents[wrong] = backend.add_document(b"picture")
        backend.execute("UPDATE documents SET file_url = %s WHERE id = %s", url, documents[wrong])
    return documents


def test_bad_documents_fail_at_once_with_a_sentence_for_the_user(
    start_worker: WorkerStarter, backend: FilotBackend, bad_documents: dict[str, str]
) -> None:
    no_id, strangers = "no-uuid", ["00000000-0000-4000-8000-000000000000"]
    good = backend.add_document(small_picture("BUDI"), "NPWP")
    for document_id in bad_documents.values():
        backend.enqueue(document_id)
    for stranger in (no_id, *strangers):
        backend.push(stranger)
    backend.enqueue(good)

    with backend.listen() as channel:
        # Not before: these fail at once, and the rest of their push would come after that.
        start_worker()
        results = {result["documentId"]: result for result in channel.wait_for(10)}
        wait_until_settled(backend)

    assert results[good]["success"] is True
    assert no_id not in results
    for stranger in strangers:
        assert results[stranger]["success"] is False
        assert results[stranger]["error"]
        assert results[stranger]["errorCode"] == "no_such_document"
    for wrong, document_id in bad_documents.items():
        row = backend.row(document_id)
        assert results[document_id]["success"] is False, wrong
        assert results[document_id]["gpuProcessed"] is False
        assert row["status"] == "failed", wrong
        assert row["result_json"]["error"] == results[document_id]["error"]
        assert row["result_json"]["errorCode"] == results[document_id]["errorCode"]
        assert list(faults("result-json", row["result_json"])) == []
        assert row["result_json"]["maxRetriesExceeded"] is False
        assert row["result_json"]["failedAt"].endswith("Z")
        # For the user: in Indonesian, then in English, with something to do.
        assert "unggah" in row["result_json"]["error"].lower(), wrong
        assert "upload" in row["result_json"]["error"].lower(), wrong
    assert job_keys(backend) == []


def test_a_completed_document_is_told_from_its_row(
    start_worker: WorkerStarter, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"not a picture: reading it would fail")
    backend.execute(
        """UPDATE documents SET status = 'completed', ocr_text = 'NIK', result_json = '{"nik": "1"}',
               ai_score = 80, ai_decision = 'auto_approve', verification_status = 'auto_approved'
           WHERE id = %s""",
        document_id,
    )
    start_worker()

    with backend.listen() as channel:
        backend.push(document_id)
        (result,) = channel.wait_for(1)

    assert result["success"] is True
    assert result["parsedResult"] == {"nik": "1"}
    assert (result["ocrText"], result["score"], result["outcome"]) == ("NIK", 80, "auto_approved")
    assert result["gpuProcessed"] is False


def test_the_same_id_twice_gives_one_result(start_worker: WorkerStarter, backend: FilotBackend) -> None:
    twice = backend.add_document(small_picture("BUDI"), "NPWP")
    last = backend.add_document(small_picture("ANI"), "NPWP")
    backend.redis.rpush(QUEUE, twice, twice, last)
    backend.redis.hset(ATTEMPTS, twice, "0")

    with backend.listen() as channel:
        start_worker(OCR_GPU_CONCURRENCY="1")
        results = channel.wait_for(2)
        wait_until_settled(backend)

    assert [result["documentId"] for result in results] == [twice, last]
    assert job_keys(backend) == []


def test_the_log_says_which_job_but_never_what_a_card_says(
    start_worker: WorkerStarter, backend: FilotBackend, ktp: bytes, person: Person
) -> None:
    worker = start_worker(LOG_LEVEL="debug")
    document_id = backend.add_document(ktp, "KTP")

    with backend.listen() as channel:
        backend.enqueue(document_id)
        (result,) = channel.wait_for(1)
    worker.stop()

    log = worker.log.read_text()
    assert document_id in log
    assert result["jobId"] in log
    for value in result["parsedResult"].values():
        if len(value) > 4:
            assert value not in log
    assert result["ocrText"].splitlines()[0] not in log
