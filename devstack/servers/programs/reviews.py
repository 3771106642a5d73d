"""Stand-in for the review service (BULI2): opens a ticket for every review, and posts decisions back.

Run by its path, with a port as argument. FiLot's side is `POST /internal/reviews`. The rest is for tests and
the demo:

- `GET /received` lists every request in order, `DELETE /received` forgets them.
- `PUT /answer` with `{"status": 500, "body": {...}}` makes it answer so from then on.
- `PUT /decision` with `{"documentId": ..., "decision": "approved"}` posts a reviewer's decision to the
  `callbackUrl` of that document's latest review, and answers with the status of that call.
"""

import json
import signal
import sys
import threading
from http import HTTPStatus
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

#: What a reviewer can decide.
DECISIONS = ("approved", "rejected")


class Reviews:
    """Received requests, and the answer to the next one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: list[dict[str, Any]] = []
        self._status = int(HTTPStatus.CREATED)
        self._body: dict[str, Any] | None = None

    def add(self, authorization: str | None, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Record a request; return the status and the JSON to answer with."""
        with self._lock:
            status = self._status
            self._received.append({"authorization": authorization, "status": status, "body": body})
            number = len(self._received)
            answer = self._body
        if status >= HTTPStatus.BAD_REQUEST:
            return status, {"error": "this is the status that a test asked for"}
        return status, {"taskId": f"review-{number}"} if answer is None else answer

    def list(self) -> list[dict[str, Any]]:
        """Return every request since the start or the last `forget`, oldest first."""
        with self._lock:
            return list(self._received)

    def forget(self) -> None:
        """Return to the state after a fresh start."""
        with self._lock:
            self._received.clear()
            self._status, self._body = int(HTTPStatus.CREATED), None

    def answer_with(self, status: int, body: dict[str, Any] | None) -> None:
        """Answer every review with this HTTP status, and this body instead of a ticket, from now on."""
        with self._lock:
            self._status, self._body = status, body

    def find(self, document_id: str) -> dict[str, Any] | None:
        """The body of a document's latest review that was answered with a ticket."""
        with self._lock:
            bodies = [each["body"] for each in self._received if each["status"] < HTTPStatus.BAD_REQUEST]
        return next((body for body in reversed(bodies) if body["documentId"] == document_id), None)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    reviews = Reviews()

    def do_POST(self) -> None:
        """Open a ticket."""
        body = self._json()
        if self.path != "/internal/reviews":
            self._unknown_path("POST /internal/reviews")
        elif not isinstance(body.get("documentId"), str):
            self._refuse("a JSON object with a documentId is needed")
        else:
            self._answer(*self.reviews.add(self.headers["Authorization"], body))

    def do_GET(self) -> None:
        """List the requests."""
        if self.path != "/received":
            self._unknown_path("GET /received")
        else:
            self._answer(HTTPStatus.OK, self.reviews.list())

    def do_DELETE(self) -> None:
        """Forget the requests."""
        if self.path != "/received":
            self._unknown_path("DELETE /received")
        else:
            self.reviews.forget()
            self._answer(HTTPStatus.NO_CONTENT)

    def do_PUT(self) -> None:
        """Change the answer, or post a decision."""
        body = self._json()
        if self.path == "/answer":
            self._change_answer(body)
        elif self.path == "/decision":
            self._decide(body)
        else:
            self._unknown_path("PUT /answer and PUT /decision")

    def _change_answer(self, body: dict[str, Any]) -> None:
        status, instead = body.get("status"), body.get("body")
        if not isinstance(status, int) or status not in range(200, 600):
            self._refuse("a JSON object with a status from 200 to 599 is needed")
        elif not isinstance(instead, dict | None):
            self._refuse("the body to answer with must be a JSON object")
        else:
            self.reviews.answer_with(status, instead)
            self._answer(HTTPStatus.NO_CONTENT)

    def _decide(self, body: dict[str, Any]) -> None:
        document_id, decision = body.get("documentId"), body.get("decision")
        if not isinstance(document_id, str) or decision not in DECISIONS:
            self._refuse(f"a documentId and a decision are needed: {' or '.join(DECISIONS)}")
            return
        review = self.reviews.find(document_id)
        if review is None or not {"callbackUrl", "reviewId"} <= review.keys():
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no review with a callbackUrl and a reviewId"})
            return
        try:
            self._answer(HTTPStatus.OK, {"status": post_decision(review, decision)})
        except (OSError, ValueError, HTTPException):
            self._answer(HTTPStatus.BAD_GATEWAY, {"error": "the review's callbackUrl does not answer"})

    def _json(self) -> dict[str, Any]:
        """The JSON object that was sent; anything else counts as an empty one."""
        try:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)))
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}

    def _refuse(self, sentence: str) -> None:
        self._answer(HTTPStatus.BAD_REQUEST, {"error": sentence})

    def _unknown_path(self, known: str) -> None:
        self._answer(HTTPStatus.NOT_FOUND, {"error": f"this server has {known}"})

    def _answer(self, status: int, body: Any = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if content:
            self.send_header("Content-Type", "application/json")
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def post_decision(review: dict[str, Any], decision: str) -> int:
    """Post a reviewer's decision to the review's `callbackUrl`; return the HTTP status of the answer."""
    request = Request(  # noqa: S310 - the worker's own setting says where to
        review["callbackUrl"],
        data=json.dumps(
            {"reviewId": review["reviewId"], "decision": decision, "notes": "decided by the stand-in"}
        ).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    # The address is on this machine: a proxy of the environment would not reach it.
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return int(error.code)


def main() -> None:
    """Serve until SIGINT."""
    # Set here because a shell's background jobs start with SIGINT ignored.
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
