"""Faults of the document store differ from faults of a document, and no download is endless."""

import pytest

from devstack.backend import FilotBackend
from service.errors import DocumentError, OcrWorkerError, StorageRefusedError, UnavailableError
from service.settings import Settings
from service.store import object_store, object_store_connections
from service.store.object_store import Storage
from tests.support.raw_server import Handler, answer, drip, raw_server

HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


def error(settings: Settings, handler: Handler) -> OcrWorkerError:
    with raw_server(handler) as url, pytest.raises(OcrWorkerError) as caught:
        Storage(settings.model_copy(update={"r2_endpoint": url})).fetch("user/KTP_1.jpg")
    return caught.value


def refusal(status: str, code: str) -> Handler:
    body = f"<Error><Code>{code}</Code></Error>".encode()
    return answer(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def test_an_object_is_read_whole(settings: Settings, backend: FilotBackend) -> None:
    content = bytes(range(256)) * 4000
    document_id = backend.add_document(content)

    assert Storage(settings).fetch(backend.row(document_id)["file_url"]) == content


@pytest.mark.parametrize("megabytes", [1, 2])
def test_the_size_that_is_kept_is_the_one_that_is_set_and_told(
    settings: Settings, backend: FilotBackend, megabytes: int
) -> None:
    storage = Storage(settings.model_copy(update={"max_file_size": megabytes}))
    allowed, larger = (backend.add_document(bytes(megabytes * 2**20 + extra)) for extra in (0, 1))

    assert len(storage.fetch(backend.row(allowed)["file_url"])) == megabytes * 2**20
    with pytest.raises(
        DocumentError, match=f"paling banyak {megabytes} MB.* at most {megabytes} MB"
    ) as caught:
        storage.fetch(backend.row(larger)["file_url"])

    assert caught.value.code == "file_too_large"


def test_a_missing_object_is_the_documents_fault(settings: Settings) -> None:
    with pytest.raises(DocumentError) as caught:
        Storage(settings).fetch("user/none.jpg")

    assert caught.value.code == "file_missing"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("403 Forbidden", "AccessDenied"),
        ("403 Forbidden", "InvalidAccessKeyId"),
        ("401 Unauthorized", "Unauthorized"),
    ],
)
def test_a_refusal_of_our_keys_is_told_from_an_outage(settings: Settings, status: str, code: str) -> None:
    refused = error(settings, refusal(status, code))

    assert isinstance(refused, StorageRefusedError)
    assert str(refused) == f"the document store refused: {code}"


def test_an_error_of_the_store_is_an_outage(settings: Settings) -> None:
    away = error(settings, refusal("503 Slow Down", "SlowDown"))

    assert isinstance(away, UnavailableError)
    assert not isinstance(away, StorageRefusedError)


def test_a_head_that_drips_is_the_stores_fault_and_has_an_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store_connections, "HEAD_TIMEOUT", 0.3)

    away = error(settings, drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 60_000, 0.002))

    assert isinstance(away, UnavailableError)
    assert str(away) == "the document store broke off"


def test_a_body_that_drips_is_the_stores_fault_and_has_an_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "DOWNLOAD_TIMEOUT", 0.5)

    away = error(settings, drip(HEADERS + b"x" * 99_000, 0.002))

    assert isinstance(away, UnavailableError)
    assert str(away) == "the document store is too slow"


def test_a_body_that_breaks_off_is_the_stores_fault(settings: Settings) -> None:
    assert isinstance(error(settings, answer(HEADERS + b"half")), UnavailableError)
