"""A reason for review is in the published result, the row and every repeat; the reviewer gets fields only."""

from collections.abc import Iterator

import pytest

from devstack.backend import FilotBackend
from devstack.cards import sample_cards
from service.runtime.app import App, build_app
from service.runtime.processing import job_of_caller
from service.settings import Settings
from service.store.documents import find_document
from service.store.reviews import review_request


@pytest.fixture
def app(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    for name, value in {**environment, "OCR_GPU_DRIVER": "onnx"}.items():
        monkeypatch.setenv(name, value)
    with build_app(Settings()) as app:
        yield app


def test_a_reason_is_published_with_advice_and_kept_in_the_row(app: App, backend: FilotBackend) -> None:
    ktp = sample_cards(seed=5, count=1, level="flat")[0].content
    document_id = backend.add_document(ktp, "NPWP")

    first = app.processing.process(job_of_caller(document_id)).published()
    stored = backend.row(document_id)["result_json"]
    again = app.processing.process(job_of_caller(document_id)).published()

    assert first["decision"] == "needs_review"
    assert first["reviewReasons"] == ["wrong_document_type"]
    (advice,) = first["reviewAdvice"]
    assert "silakan unggah kartu yang benar. / " in advice
    assert stored == {**first["parsedResult"], "reviewReasons": ["wrong_document_type"]}
    told = ("parsedResult", "reviewReasons", "reviewAdvice", "score", "decision", "outcome", "ocrText")
    assert {key: again[key] for key in told} == {key: first[key] for key in told}


def test_a_reviewer_gets_the_fields_without_the_reasons(app: App, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")
    backend.execute(
        """UPDATE documents SET status = 'completed',
               result_json = '{"nik": "1", "reviewReasons": ["blurred"]}'
           WHERE id = %s""",
        document_id,
    )
    with app.database.transaction() as cursor:
        document = find_document(cursor, document_id)
    assert document is not None

    body = review_request(document, "correlation", app.settings)

    assert body["parsedData"] == {"nik": "1"}


def test_an_approved_document_has_no_reasons(app: App, backend: FilotBackend) -> None:
    card = sample_cards(seed=5, count=1, level="flat")[0]
    document_id = backend.add_document(card.content, "KTP")

    result = app.processing.process(job_of_caller(document_id)).published()

    assert (result["reviewReasons"], result["reviewAdvice"]) == ([], [])
    assert backend.row(document_id)["result_json"] == result["parsedResult"] == dict(card.truth)
