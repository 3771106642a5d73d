"""The backend's route that takes a reviewer's decision, as an HTTP server on 127.0.0.1."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from devstack.backend import FilotBackend

#: What a reviewer can decide.
DECISIONS = ("approved", "rejected")

#: Path of the route; the group is a row of `manual_reviews`.
ROUTE = re.compile(r"/internal/reviews/([^/]+)/callback")


@contextmanager
def serve_callbacks(backend: FilotBackend) -> Iterator[str]:
    """Serve `POST /internal/reviews/{reviewId}/callback` on a free port.

    Args:
        backend: where decisions are stored.

    Yields:
        The value of `BULI2_CALLBACK_URL` for this server.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            match, decision = ROUTE.fullmatch(self.path), self._decision()
            if match is None:
                self._answer(HTTPStatus.NOT_FOUND, "there is POST /internal/reviews/{reviewId}/callback")
            elif decision not in DECISIONS:
                needed = f"a JSON object with a decision is needed: {' or '.join(DECISIONS)}"
                self._answer(HTTPStatus.BAD_REQUEST, needed)
            elif not backend.decide(match[1], decision):
                self._answer(HTTPStatus.NOT_FOUND, "manual_reviews has no such review")
            else:
                self._answer(HTTPStatus.OK)

        def _decision(self) -> str | None:
            try:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)))
            except (ValueError, RecursionError):
                return None
            return body.get("decision") if isinstance(body, dict) else None

        def _answer(self, status: int, error: str = "") -> None:
            content = json.dumps({"error": error} if error else {}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="callbacks")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/internal/reviews"
        finally:
            server.shutdown()
            thread.join()
