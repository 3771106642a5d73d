"""The backend's route that takes a reviewer's decision, as an HTTP server on 127.0.0.1."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from devstack.backend import FilotBackend

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
            content = self.rfile.read(int(self.headers["Content-Length"] or 0))
            match = ROUTE.fullmatch(self.path)
            known = match is not None and backend.decide(match[1], json.loads(content)["decision"])
            self.send_response(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Length", "0")
            self.end_headers()

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
