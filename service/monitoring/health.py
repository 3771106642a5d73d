"""`/health`, `/ready` and other pages over HTTP, for health checks and whoever looks at a worker."""

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog

from service.monitoring.sampler import Sampler
from service.queue.active_jobs import ActiveJobs
from service.reading.ocr.devices import Devices

log = structlog.get_logger(__name__)

#: s without a look for work after which a worker counts as hung: many times the longest wait in its loop.
HUNG_AFTER = 60.0

#: s that one request may take to arrive: every connection has a thread.
TIMEOUT = 10

#: s until a port that is taken is tried again.
BIND_AGAIN = 5.0


#: Of every answer: it is for whoever asked, now, and not to be taken for anything else.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What a page may want to know of a GET."""

    #: What follows the question mark, still encoded.
    query: str
    headers: Message


@dataclass(frozen=True, slots=True)
class Answer:
    """What one path answers."""

    content: bytes
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Somebody hung up, or a page is broken: a line in the log, not a traceback beside it."""
        log.warning("request_failed", error=type(sys.exception()).__name__)


class Health:
    """Answers for this process; its checks return what is wrong, one sentence each.

    More paths are served after ``add_page``.

    Parameters:
        port: TCP port on all interfaces; 0: no server
        in_hand, devices: what is asked
        sampler: what the servers said last; no request waits for one that hangs
    """

    def __init__(self, port: int, active_jobs: ActiveJobs, devices: Devices, sampler: Sampler) -> None:
        self.port = port
        self.active_jobs = active_jobs
        self.devices = devices
        self.sampler = sampler
        #: Path to what answers it.
        self.pages: dict[str, Callable[[Request], Answer]] = {
            "/health": lambda _: _checked(self.alive()),
            "/ready": lambda _: _checked(self.ready(), gpu=self.devices.gpu_absence or "in use"),
        }
        self._server: ThreadingHTTPServer | None = None
        self._stopped = threading.Event()

    def add_page(self, path: str, handler: Callable[[Request], Answer]) -> None:
        """Serve one more path."""
        self.pages[path] = handler

    def start(self) -> None:
        """Serve from a thread of its own."""
        if self.port:
            threading.Thread(target=self._serve, name="health", daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._stopped.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _serve(self) -> None:
        taken = False
        while not self._stopped.is_set():
            try:
                # Every interface, as the contract says: the container's network decides who reaches it.
                self._server = _Server(("", self.port), self._handler())
            except OSError as error:
                # A second worker process on this host: its jobs matter more than its page.
                if not taken:
                    log.warning("health_port_taken", port=self.port, reason=error.strerror)
                taken = True
                self._stopped.wait(BIND_AGAIN)
                continue
            self._server.serve_forever()
            return

    def alive(self) -> list[str]:
        """What keeps this worker from making progress. A server that is away does not."""
        if not self.devices.warm:
            return []
        problems = []
        silent = time.monotonic() - self.active_jobs.last_look
        if silent > HUNG_AFTER:
            problems.append(f"no look for work for {silent:.0f} s")
        age = self.active_jobs.oldest_age()
        if age > self.active_jobs.document_queue.settings.job_timeout:
            problems.append(f"a job has been in work for {age:.0f} s")
        return problems

    def ready(self) -> list[str]:
        """What keeps this worker from working on documents."""
        problems = self.alive() + self.active_jobs.pause_reasons()
        if self.active_jobs.stopping:
            problems.append("the worker is stopping")
        if not self.devices.warm:
            # The clock that looks at the servers begins once the engine is warm.
            return [*problems, "the OCR engine is warming up"]
        return problems + self.sampler.away()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            timeout = TIMEOUT
            # Versions are nobody's business.
            server_version, sys_version = "filot-ocr", ""

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                page = pages.get(path)
                answer = page(Request(query, self.headers)) if page else NOT_FOUND
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.content)))
                for name, value in {**HEADERS, **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
                """Probes every few seconds are no news."""

        return Handler


class Progress:
    """Judges one worker process.

    Parameters:
        health: whether it looks for work, what it has in hand, and what its servers said last
    """

    def __init__(self, health: Health) -> None:
        self.health = health

    def problems(self) -> list[str]:
        """What keeps it from getting on, one sentence each; a document that fails is progress, too."""
        away = self.health.sampler.away()
        return self.health.alive() + self.health.active_jobs.pause_reasons() + away + self._in_vain()

    def _in_vain(self) -> list[str]:
        """The file store is asked by nobody but the jobs: when it is away, each is only put off."""
        age = self.health.active_jobs.outage_age()
        backlog = self.health.sampler.backlog
        waits = backlog is not None and backlog.waiting + backlog.put_off > 0
        return [f"no document has got through for {age:.0f} s"] if waits and age > HUNG_AFTER else []


def json_answer(status: int, body: Mapping[str, Any]) -> Answer:
    """An answer in JSON."""
    return Answer(json.dumps(body).encode(), "application/json", status)


NOT_FOUND = json_answer(404, {"status": "not found"})


def _checked(problems: list[str], **more: str) -> Answer:
    status = 503 if problems else 200
    return json_answer(status, {"status": "failing" if problems else "ok", "problems": problems, **more})
