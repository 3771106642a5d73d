"""One document from its id to its stored result, with rows, files and servers that change meanwhile."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from devstack.backend import FilotBackend
from devstack.cards import sample_cards
from service.errors import DatabaseRefusedError, LeaseLostError, OcrWorkerError, StorageRefusedError
from service.queue.document_queue import Job
from service.reading.reader import Reading, read_document
from service.runtime import processing as module
from service.runtime.app import App, build_app
from service.runtime.processing import job_of_caller
from service.settings import Settings
from tests.integration.store.rows import outbox_kinds

#: A function that takes what is to happen after each download.
WhileReading: TypeAlias = Callable[[Callable[[], object]], None]

#: What a listener reads, in first results and in repeats.
PUBLISHED = ("parsedResult", "reviewReasons", "reviewAdvice", "score", "decision", "outcome", "ocrText")


@pytest.fixture
def app(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    for name, value in {**environment, "OCR_GPU_DRIVER": "onnx"}.items():
        monkeypatch.setenv(name, value)
    with build_app(Settings()) as app:
        yield app


@pytest.fixture
def while_reading(app: App, monkeypatch: pytest.MonkeyPatch) -> WhileReading:
    """Takes what is to happen after each download."""

    def install(change: Callable[[], object]) -> None:
        fetch = app.processing.storage.fetch

        def fetch_and_change(file_url: str) -> bytes:
            content = fetch(file_url)
            change()
            return content

        monkeypatch.setattr(app.processing.storage, "fetch", fetch_and_change)

    return install


def ktp(seed: int = 5) -> bytes:
    return sample_cards(seed=seed, count=1, level="flat")[0].content


def last_attempt(document_id: str) -> Job:
    return replace(job_of_caller(document_id), attempt=99)


def test_a_reason_is_published_with_advice_and_kept_in_the_row(app: App, backend: FilotBackend) -> None:
    document_id = backend.add_document(ktp(), "NPWP")

    first = app.processing.process(job_of_caller(document_id)).published()
    stored = backend.row(document_id)["result_json"]
    again = app.processing.process(job_of_caller(document_id)).published()

    assert first["decision"] == "needs_review"
    assert first["reviewReasons"] == ["wrong_document_type"]
    (advice,) = first["reviewAdvice"]
    assert "silakan unggah kartu yang benar. / " in advice
    assert stored == {**first["parsedResult"], "reviewReasons": ["wrong_document_type"]}
    assert {key: again[key] for key in PUBLISHED} == {key: first[key] for key in PUBLISHED}


def test_an_approved_document_has_no_reasons(app: App, backend: FilotBackend) -> None:
    card = sample_cards(seed=5, count=1, level="flat")[0]
    document_id = backend.add_document(card.content, "KTP")

    result = app.processing.process(job_of_caller(document_id)).published()

    assert (result["reviewReasons"], result["reviewAdvice"]) == ([], [])
    assert result["parsedResult"] == dict(card.truth)
    assert backend.row(document_id)["result_json"] == {**result["parsedResult"], "fields": result["fields"]}
    assert outbox_kinds(backend, document_id) == ["result"]


def test_a_text_with_a_character_that_postgresql_does_not_hold_is_stored_and_published_without(
    app: App, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_with_nul(*arguments: Any) -> Reading:
        return replace(read_document(*arguments), text="NIK\x00 3174")

    monkeypatch.setattr(module, "read_document", read_with_nul)
    document_id = backend.add_document(ktp(), "KTP")

    result = app.processing.process(job_of_caller(document_id))

    assert result.ocr_text == backend.row(document_id)["ocr_text"] == "NIK 3174"


@pytest.mark.parametrize(
    ("document_type", "decision", "outcome"),
    [("KTP", "auto_approve", "auto_approved"), ("NPWP", "needs_review", "pending_manual_review")],
)
def test_a_repeat_keeps_the_ocrs_values_after_a_person_has_decided(
    document_type: str, decision: str, outcome: str, app: App, backend: FilotBackend
) -> None:
    document_id = backend.add_document(ktp(), document_type)
    first = app.processing.process(job_of_caller(document_id)).published()
    backend.execute(
        """UPDATE documents SET verification_status = 'manually_approved', ai_decision = 'approved',
               result_json = result_json || '{"finalDecision": "approved", "scoringReasons": ["x"]}'
           WHERE id = %s""",
        document_id,
    )

    again = app.processing.process(job_of_caller(document_id)).published()

    assert (again["decision"], again["outcome"]) == (decision, outcome)
    assert {key: again[key] for key in PUBLISHED} == {key: first[key] for key in PUBLISHED}
    assert again["verificationStatus"] == "manually_approved"
    (finished,) = backend.execute("SELECT count(*) AS documents FROM ocr_worker.endings")
    assert finished["documents"] == 1


def test_a_file_that_is_replaced_while_it_is_read_is_not_stored_but_the_new_one_is(
    app: App, backend: FilotBackend, while_reading: WhileReading
) -> None:
    card = sample_cards(seed=6, count=1, level="flat")[0]
    document_id, other = backend.add_document(ktp()), backend.add_document(card.content)
    new_url = backend.row(other)["file_url"]
    while_reading(
        lambda: backend.execute("UPDATE documents SET file_url = %s WHERE id = %s", new_url, document_id)
    )

    result = app.processing.process(job_of_caller(document_id))

    assert result.success
    assert result.parsed_result == dict(card.truth)
    assert backend.row(document_id)["result_json"] == {**dict(card.truth), "fields": result.fields}
    assert outbox_kinds(backend, document_id) == ["result"]


def test_a_bad_file_that_is_replaced_meanwhile_fails_no_document(
    app: App, backend: FilotBackend, while_reading: WhileReading
) -> None:
    document_id, other = backend.add_document(b"no picture"), backend.add_document(ktp())
    new_url = backend.row(other)["file_url"]
    while_reading(
        lambda: backend.execute("UPDATE documents SET file_url = %s WHERE id = %s", new_url, document_id)
    )

    result = app.processing.process(job_of_caller(document_id))

    assert result.success
    assert backend.row(document_id)["status"] == "completed"


def test_a_file_that_is_replaced_each_time_is_given_up_for_this_attempt(
    app: App, backend: FilotBackend, while_reading: WhileReading
) -> None:
    content = ktp()
    document_id = backend.add_document(content)
    reads = []

    def replace_file() -> None:
        reads.append(True)
        new_url = backend.row(backend.add_document(content))["file_url"]
        backend.execute("UPDATE documents SET file_url = %s WHERE id = %s", new_url, document_id)

    while_reading(replace_file)
    with pytest.raises(OcrWorkerError, match="replaced each time"):
        app.processing.process(last_attempt(document_id))

    assert len(reads) == module.MAX_FILES
    assert backend.row(document_id)["status"] == "processing"
    assert outbox_kinds(backend, document_id) == []


def test_a_row_that_is_deleted_while_it_is_read_is_a_failure_without_personal_data(
    app: App, backend: FilotBackend, while_reading: WhileReading
) -> None:
    document_id = backend.add_document(ktp())
    while_reading(lambda: backend.execute("DELETE FROM documents WHERE id = %s", document_id))

    result = app.processing.process(job_of_caller(document_id))

    (entry,) = backend.execute("SELECT payload FROM ocr_worker.outbox")
    assert not result.success
    assert result.error is not None
    assert "was not found" in result.error
    assert entry["payload"] == result.published()
    assert entry["payload"].keys() == {
        *("success", "documentId", "correlationId", "jobId", "gpuProcessed", "processingTimeMs"),
        *("error", "errorCode"),
    }


def test_a_row_that_is_completed_elsewhere_meanwhile_is_published_as_it_stands(
    app: App, backend: FilotBackend, while_reading: WhileReading
) -> None:
    document_id = backend.add_document(ktp())
    while_reading(
        lambda: backend.execute(
            """UPDATE documents SET status = 'completed', ai_score = 80, ai_decision = 'auto_approve',
                       verification_status = 'auto_approved', ocr_text = 'theirs', result_json = '{"nik":
                       "1"}'
                   WHERE id = %s""",
            document_id,
        )
    )

    result = app.processing.process(job_of_caller(document_id))

    assert (result.ocr_text, result.parsed_result, result.score) == ("theirs", {"nik": "1"}, 80)
    assert backend.row(document_id)["ocr_text"] == "theirs"
    assert outbox_kinds(backend, document_id) == ["result"]


def test_a_row_that_is_failed_elsewhere_meanwhile_stays_and_nothing_is_published(
    app: App, backend: FilotBackend, while_reading: WhileReading
) -> None:
    document_id = backend.add_document(ktp())
    while_reading(
        lambda: backend.execute("UPDATE documents SET status = 'failed' WHERE id = %s", document_id)
    )

    result = app.processing.process(job_of_caller(document_id))

    assert not result.success
    assert backend.row(document_id)["status"] == "failed"
    assert backend.row(document_id)["result_json"] is None
    assert outbox_kinds(backend, document_id) == []


def test_a_row_that_the_backends_recovery_set_back_gets_our_result(
    app: App, backend: FilotBackend, while_reading: WhileReading
) -> None:
    document_id = backend.add_document(ktp())
    while_reading(
        lambda: backend.execute("UPDATE documents SET status = 'uploaded' WHERE id = %s", document_id)
    )

    assert app.processing.process(job_of_caller(document_id)).success

    assert backend.row(document_id)["status"] == "completed"


def test_a_job_that_was_overtaken_while_it_read_writes_nothing(
    app: App, backend: FilotBackend, while_reading: WhileReading
) -> None:
    document_id = backend.add_document(ktp())
    while_reading(lambda: backend.execute("UPDATE ocr_worker.claims SET fence = fence + 1"))

    with pytest.raises(LeaseLostError):
        app.processing.process(job_of_caller(document_id))

    assert outbox_kinds(backend, document_id) == []


def test_a_refused_file_waits_and_fails_after_a_day(
    app: App, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> bytes:
        raise StorageRefusedError("the document store refused: AccessDenied")

    monkeypatch.setattr(app.processing.storage, "fetch", refuse)
    document_id = backend.add_document(b"picture")

    with pytest.raises(StorageRefusedError):
        app.processing.process(last_attempt(document_id))
    backend.execute("UPDATE ocr_worker.claims SET refused_since = now() - interval '25 hours'")
    result = app.processing.process(last_attempt(document_id))

    assert not result.success
    assert result.error is not None
    assert "could not be accessed" in result.error
    assert backend.row(document_id)["status"] == "failed"


def test_an_id_that_is_none_is_a_published_failure(app: App, backend: FilotBackend) -> None:
    result = app.processing.process(job_of_caller("none"))

    assert not result.success
    assert outbox_kinds(backend, "none") == ["result"]


@pytest.mark.parametrize(
    ("away", "back"),
    [
        (
            "ALTER DATABASE postgres SET default_transaction_read_only = on",
            "ALTER DATABASE postgres RESET default_transaction_read_only",
        ),
        (
            "ALTER TABLE documents RENAME COLUMN ocr_text TO hidden",
            "ALTER TABLE documents RENAME COLUMN hidden TO ocr_text",
        ),
        (
            "ALTER TABLE ocr_worker.endings RENAME TO hidden",
            "ALTER TABLE ocr_worker.hidden RENAME TO endings",
        ),
    ],
)
def test_what_postgresql_refuses_while_a_document_is_read_fails_no_document(
    away: str, back: str, app: App, backend: FilotBackend, while_reading: WhileReading
) -> None:
    """Even at the last attempt: the job waits, and gets its result when the server takes it."""
    document_id = backend.add_document(ktp())
    changes = [away]

    def refuse_once() -> None:
        if changes:
            backend.execute(changes.pop())
            # Connections keep the default that they began with.
            backend.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'filot-ocr-worker'"
            )

    while_reading(refuse_once)
    try:
        with pytest.raises(DatabaseRefusedError):
            app.processing.process(last_attempt(document_id))
        assert app.database.last_refusal is not None
    finally:
        backend.execute(f"SET TRANSACTION READ WRITE; {back}")
    assert backend.row(document_id)["status"] == "processing"
    assert outbox_kinds(backend, document_id) == []

    assert app.processing.process(last_attempt(document_id)).success

    assert app.database.last_refusal is None
