"""A review call is limited as a whole; however it fails, it is an UnavailableError with a reason."""

import socket

import pytest

from service.errors import UnavailableError
from service.store import review_client
from service.store.review_client import MAX_ANSWER_SIZE, post_review
from tests.support.raw_server import Handler, answer, drip, raw_server, say_nothing

TICKET = b'{"ticketId": "T-1"}'


def http(body: bytes, status: str = "201 Created", *, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n\r\n".encode() + body


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def reason(url: str) -> str:
    with pytest.raises(UnavailableError) as caught:
        post_review(url, "key", {"documentId": "card"})
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "ticket"),
    [
        (TICKET, "T-1"),
        (b'{"taskId": "T-2", "ticketId": "T-3"}', "T-2"),
        (b'{"taskId": "", "ticketId": "T-3"}', "T-3"),
        (b'{"taskId": 17}', "17"),
    ],
)
def test_the_ticket_of_any_success_is_taken(body: bytes, ticket: str) -> None:
    with raw_server(answer(http(body, "202 Accepted"))) as url:
        assert post_review(url + "/", None, {"documentId": "card"}) == ticket


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'"T-1"',
        b'{"taskId": null}',
        b'{"taskId": true}',
        b'{"taskId": {"a": 1}}',
        b'{"taskId": [1]}',
    ],
)
def test_a_success_without_a_ticket_is_none(body: bytes) -> None:
    with raw_server(answer(http(body))) as url:
        assert reason(url) == "the review service's answer holds no taskId or ticketId"


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (answer(http(b"", "500 Oh")), "the review service answered 500"),
        (answer(http(b"", "302 Found")), "the review service answered 302"),
        (answer(http(b"<html>")), "its answer is no JSON"),
        (answer(http(b"\xff")), "its answer is no JSON"),
        (answer(http(b"{", length=2)), "is away: the connection broke"),
        (answer(b"nonsense\r\n\r\n"), "is away: the connection broke"),
        (answer(b""), "is away: the connection broke"),
    ],
)
def test_why_there_is_no_ticket_is_said(handler: Handler, expected: str) -> None:
    with raw_server(handler) as url:
        assert expected in reason(url)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"H", id="status line"),
        pytest.param(b"HTTP/1.1 201 Created\r\nX-Filler: ", id="headers"),
        pytest.param(
            b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 200, id="body"
        ),
    ],
)
def test_a_service_that_drips_is_left_when_the_whole_call_takes_too_long(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_client, "CALL_TIMEOUT", 1.0)

    with raw_server(drip(sent, 0.05)) as url:
        assert reason(url) == "the review service is away: no complete answer in time"


def test_a_service_that_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_client, "CALL_TIMEOUT", 0.5)

    with raw_server(say_nothing) as url:
        assert "is away: " in reason(url)


def test_of_a_large_answer_no_more_is_read_than_is_allowed() -> None:
    sent = []

    def flood(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(http(b"", length=600 * 1024 * 1024))
        while True:
            sent.append(client.send(b" " * 65536))

    with raw_server(flood) as url:
        assert reason(url) == f"the review service's answer is larger than {MAX_ANSWER_SIZE // 1024} KiB"

    # The system's own buffers take a few MB.
    assert sum(sent) < 32 * 1024 * 1024


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NO_PROXY", "127.0.0.1,fd00::/8"),
        ("ALL_PROXY", "socks5://127.0.0.1:1080"),
        ("HTTP_PROXY", "ftp://127.0.0.1:1"),
        ("HTTP_PROXY", "http://127.0.0.1:port"),
    ],
)
def test_proxy_variables_that_cannot_be_used_are_named_and_it_goes_on_when_they_are_mended(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv(variable, value)
    with raw_server(answer(http(TICKET))) as url:
        said = reason(url)
        monkeypatch.delenv(variable)

        assert post_review(url, None, {"documentId": "card"}) == "T-1"

    assert "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY" in said


def test_a_url_that_cannot_be_used_is_no_crash() -> None:
    assert "BULI2_API_URL is no URL" in reason("http://127.0.0.1:port")
