"""HTTP call to the review service, limited in total time and in the size of the answer."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from service.errors import UnavailableError
from service.store.server_problems import broken_link

#: Seconds for one call in all: connect, send and receive.
CALL_TIMEOUT = 30.0

#: Finding and advice for an answer that took longer.
LATE = ("no complete answer in time", "check BULI2, and firewalls on the way")

#: Advice where something answers that is no review service.
NOT_BULI2 = "check which server BULI2_API_URL names"

#: Bytes of an answer; a ticket needs a few dozen.
MAX_ANSWER_SIZE = 64 * 1024


def post_review(url: str, api_key: str | None, body: Mapping[str, Any]) -> str:
    """Request one review; return the ticket in the answer.

    Parameters:
        url: base URL of the review service
        api_key: bearer token, if it asks for one

    Raises:
        UnavailableError: there is no ticket; why, without personal data, and what to do.
    """
    headers = {"Accept-Encoding": "identity"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    try:
        with _open_client() as client, _deadline() as deadline:
            try:
                content = _post(client, f"{url.rstrip('/')}/internal/reviews", headers, body, deadline)
            except (httpx.HTTPError, OSError) as error:
                reason, advice = LATE if deadline.passed else broken_link(error)
                raise UnavailableError(
                    f"the review service is away: {reason}", reason, f"{advice} (BULI2_API_URL)"
                ) from None
        answer = json.loads(content)
    except httpx.InvalidURL:
        raise UnavailableError(
            "the review service cannot be asked: BULI2_API_URL is no URL",
            "BULI2_API_URL is no URL",
            "correct it and restart the worker",
        ) from None
    except ValueError:
        raise UnavailableError(
            "the review service cannot be understood: its answer is no JSON",
            "its answer is no JSON",
            NOT_BULI2,
        ) from None
    ticket: object = None
    if isinstance(answer, dict):
        ticket = answer.get("taskId") or answer.get("ticketId")
    if not isinstance(ticket, str | int) or isinstance(ticket, bool) or not ticket:
        raise UnavailableError(
            "the review service's answer holds no taskId or ticketId",
            "its answer holds no taskId or ticketId",
            NOT_BULI2,
        )
    return str(ticket)


def _open_client() -> httpx.Client:
    """A client that uses the proxy variables of the environment.

    Raises:
        UnavailableError: they, or the certificates of the environment, cannot be used.
    """
    try:
        return httpx.Client(timeout=CALL_TIMEOUT)
    # httpx raises whatever its parts raise: ValueError, InvalidURL, ImportError (SOCKS), OSError
    # (certificates).
    except Exception as error:
        cause = (
            "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY or SSL_CERT_FILE of the environment cannot be used "
            f"({type(error).__name__})"
        )
        raise UnavailableError(
            f"the review cannot be requested: {cause}", cause, "correct it and restart the worker"
        ) from None


def _post(
    client: httpx.Client, url: str, headers: dict[str, str], body: Mapping[str, Any], deadline: "_Deadline"
) -> bytes:
    content = bytearray()
    with client.stream(
        "POST", url, headers=headers, json=body, extensions={"trace": deadline.trace}
    ) as answer:
        if not answer.is_success:
            raise UnavailableError(
                f"the review service answered {answer.status_code}",
                f"it answered {answer.status_code}",
                refusal_advice(answer.status_code),
            )
        for chunk in answer.iter_raw():
            content += chunk
            if len(content) > MAX_ANSWER_SIZE:
                cause = f"answer is larger than {MAX_ANSWER_SIZE // 1024} KiB"
                raise UnavailableError(f"the review service's {cause}", f"its {cause}", NOT_BULI2)
    return bytes(content)


def refusal_advice(status: int) -> str:
    """Return what to do about a review service that answers a request with this HTTP status."""
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return "compare BULI2_API_KEY with BULI2's"
    if httpx.codes.is_redirect(status):
        return "set BULI2_API_URL to the final URL"
    if status in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED):
        return NOT_BULI2
    if httpx.codes.is_server_error(status):
        return "BULI2 itself fails: see its log"
    return "see BULI2's log: it refuses what is sent"


class _Deadline:
    """Shuts a call's connection down at its deadline: httpx' own limits are reset by every byte."""

    def __init__(self) -> None:
        self.passed = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def trace(self, event: str, details: dict[str, Any]) -> None:
        """Remember the socket; httpcore calls this at every step of a request."""
        if event.endswith("connect_tcp.complete"):
            opened = details["return_value"].get_extra_info("socket")
            with self._lock:
                # A copy of the descriptor: TLS takes the original away.
                self._socket = opened.dup()
                if self.passed:
                    self._shut_down()

    def expire(self) -> None:
        """End the connection; whoever reads from it gets an error."""
        with self._lock:
            self.passed = True
            self._shut_down()

    def close(self) -> None:
        """Close the copy of the descriptor."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def _deadline() -> Iterator[_Deadline]:
    deadline = _Deadline()
    timer = threading.Timer(CALL_TIMEOUT, deadline.expire)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        deadline.close()
