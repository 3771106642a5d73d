"""Whether this worker is alive, ready and making progress; `/health` and `/ready` over HTTP."""

import threading
import time
from collections.abc import Callable

import structlog

from service.monitoring.http_server import Answer, Page, PageServer, json_answer
from service.monitoring.poller import Poller
from service.queue.active_jobs import ActiveJobs
from service.reading.ocr.devices import Devices
from service.telemetry.stages import READING, longest

log = structlog.get_logger(__name__)

#: s without polling the queue after which a worker counts as hung: many times the longest wait in its loop.
HUNG_AFTER = 60.0

#: s until a port that is taken is tried again.
BIND_AGAIN = 5.0


class Health:
    """Serves the health port of this process.

    Parameters:
        port: TCP port on all interfaces; 0: no server
        active_jobs, devices: what is judged
        poller: whether the servers answer; no request waits for one that hangs
        job_timeout: s after which a job in progress counts as hung
    """

    def __init__(
        self, port: int, active_jobs: ActiveJobs, devices: Devices, poller: Poller, job_timeout: float
    ) -> None:
        self.port = port
        self.active_jobs = active_jobs
        self.devices = devices
        self.poller = poller
        self.job_timeout = job_timeout
        self._pages: dict[str, Page] = {
            "/health": lambda _: _checked(self.alive()),
            "/ready": lambda _: _checked(
                self.ready(), gpu=self.devices.gpu_absence or "in use", **self._warnings()
            ),
        }
        #: Says why the latest review has no row in `manual_reviews`; set by who has the reviews.
        self.review_problem: Callable[[], str | None] = lambda: None
        self._server: PageServer | None = None
        self._stopped = threading.Event()

    def add_page(self, path: str, page: Page) -> None:
        """Serve one more path."""
        self._pages[path] = page

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
                # All interfaces, as the contract says: the container's network decides who reaches it.
                self._server = PageServer(self.port, self._pages)
            except OSError as error:
                # Another worker process of this host has it: jobs matter more than this page.
                if not taken:
                    log.warning("health_port_taken", port=self.port, reason=error.strerror)
                taken = True
                self._stopped.wait(BIND_AGAIN)
                continue
            self._server.serve_forever()
            return

    def alive(self) -> list[str]:
        """List what only a restart of this worker can fix; an outage of a server is not among it."""
        if not self.devices.warm:
            return []
        problems = []
        silent = time.monotonic() - self.active_jobs.last_look
        if silent > HUNG_AFTER:
            problems.append(f"the queue has not been polled for {silent:.0f} s")
        seconds = longest(*READING)
        if seconds > self.job_timeout:
            problems.append(f"a document has been read for {seconds:.0f} s")
        return problems

    def ready(self) -> list[str]:
        """List what keeps this worker from taking documents."""
        problems = self.alive() + self.active_jobs.pause_reasons()
        if self.active_jobs.stopping:
            problems.append("the worker is stopping")
        if not self.devices.warm:
            # The scheduler, and with it the poller, starts once the engine is warm.
            return [*problems, "the OCR engine is warming up"]
        return problems + self.poller.away()

    def _warnings(self) -> dict[str, str]:
        """What does not keep this worker from taking documents, by name."""
        problem = self.review_problem()
        return {"reviews": f"the latest review has no row: {problem}"} if problem else {}


class Progress:
    """Judges whether one worker process makes progress.

    Parameters:
        alive: lists what only a restart can fix
        active_jobs: whether jobs get through
        poller: whether the servers answer, and whether documents wait
    """

    def __init__(self, alive: Callable[[], list[str]], active_jobs: ActiveJobs, poller: Poller) -> None:
        self.alive = alive
        self.active_jobs = active_jobs
        self.poller = poller

    def problems(self) -> list[str]:
        """List what prevents progress, one sentence each; a document that fails is progress, too."""
        return self.alive() + self.active_jobs.pause_reasons() + self.poller.away() + self._only_retries()

    def _only_retries(self) -> list[str]:
        """Only the jobs themselves ask the file store: while it is away, each of them is put off."""
        age = self.active_jobs.outage_age()
        backlog = self.poller.backlog
        waiting = backlog is not None and backlog.waiting + backlog.put_off > 0
        return [f"no document has been finished for {age:.0f} s"] if waiting and age > HUNG_AFTER else []


def _checked(problems: list[str], **more: str) -> Answer:
    status = 503 if problems else 200
    return json_answer(status, {"status": "failing" if problems else "ok", "problems": problems, **more})
