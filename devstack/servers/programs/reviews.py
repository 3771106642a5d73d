"""A stand-in for the review service (BULI2): takes every review, and shows what it was sent.

Run by its path, with a port as argument. FiLot's side is `POST /internal/reviews`. The rest is for whoever
watches: `GET /received` lists every request in order, `DELETE /received` forgets them, and
`PUT /answer` with `{"status": 500}` makes the service answer so from then on.
"""

import json
import signal
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Reviews:
    """What was received so far, and what to answer next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: list[dict[str, Any]] = []
        self._status = int(HTTPStatus.CREATED)

    def add(self, authorization: str | None, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Remember one request; returns the status and the JSON to answer with."""
        with self._lock:
            status = self._status
            self._received.append({"authorization": authorization, "status": status, "body": body})
            number = len(self._received)
        if status >= HTTPStatus.BAD_REQUEST:
            return status, {"error": "told to fail"}
        return status, {"taskId": f"review-{number}"}

    def list(self) -> list[dict[str, Any]]:
        """Every request since the start or the last `forget`, oldest first."""
        with self._lock:
            return list(self._received)

    def forget(self) -> None:
        """Start over, as after a fresh start."""
        with self._lock:
            self._received.clear()
            self._status = int(HTTPStatus.CREATED)

    def answer_with(self, status: int) -> None:
        """Answer every review with this HTTP status from now on."""
        with self._lock:
            self._status = status


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    reviews = Reviews()

    def do_POST(self) -> None:
        """Take a review."""
        body = self._json()
        if self.path != "/internal/reviews":
            self._answer(HTTPStatus.NOT_FOUND)
        elif not isinstance(body, dict) or "documentId" not in body:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": "a JSON object with a documentId is needed"})
        else:
            self._answer(*self.reviews.add(self.headers["Authorization"], body))

    def do_GET(self) -> None:
        """Show what came."""
        if self.path != "/received":
            self._answer(HTTPStatus.NOT_FOUND)
        else:
            self._answer(HTTPStatus.OK, self.reviews.list())

    def do_DELETE(self) -> None:
        """Forget what came."""
        self.reviews.forget()
        self._answer(HTTPStatus.NO_CONTENT)

    def do_PUT(self) -> None:
        """Change the answer."""
        self.reviews.answer_with(self._json()["status"])
        self._answer(HTTPStatus.NO_CONTENT)

    def _json(self) -> Any:
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        try:
            return json.loads(content)
        except ValueError:
            return None

    def _answer(self, status: int, body: Any = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if content:
            self.send_header("Content-Type", "application/json")
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Serve until SIGINT."""
    # Set here because a shell's background jobs start with SIGINT ignored.
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
