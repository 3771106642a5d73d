"""The status page of a worker's health port: activity, problems, and how to fix them. Read only."""

from http import HTTPStatus

from service.monitoring.health import Health
from service.monitoring.heartbeat import Heartbeat, WorkerSighting
from service.monitoring.http_server import Answer, Page, Request, json_answer
from service.monitoring.poller import Poller
from service.monitoring.problems import Problem
from service.monitoring.status_json import status_json
from service.monitoring.status_page.access import Access
from service.monitoring.status_page.document import PAGE, SIGN_IN
from service.settings import Settings


class StatusPage:
    """Serves the page at `/`, and at `/status.json` the figures that it polls.

    Parameters:
        settings: names, limits and the token
        poller: supplies the snapshots
        health: judges this process
        heartbeat: the state of this process, as other workers see it
    """

    def __init__(self, settings: Settings, poller: Poller, health: Health, heartbeat: Heartbeat) -> None:
        self.settings = settings
        self.poller = poller
        self.health = health
        self.heartbeat = heartbeat
        self.access = Access(settings.status_token)

    def pages(self) -> dict[str, Page]:
        """Return the pages by path."""
        return {"/": self.page, "/status.json": self.status_json}

    def page(self, request: Request) -> Answer:
        """Answer with the page, or a form for the token; a token in the URL moves into a cookie."""
        given = self.access.given_in_address(request)
        if given is not None:
            return self.access.remember(given, request)
        return PAGE if self.access.granted(request) else SIGN_IN

    def status_json(self, request: Request) -> Answer:
        """Answer with everything that the page shows."""
        if not self.access.granted(request):
            return json_answer(HTTPStatus.UNAUTHORIZED, {"error": "a token is needed"})
        own = self.heartbeat.state()
        return json_answer(
            HTTPStatus.OK,
            status_json(
                self.poller.look(),
                self.settings,
                WorkerSighting(own.worker, 0.0, own),
                self._own_problems(),
            ),
        )

    def _own_problems(self) -> list[Problem]:
        found = [
            Problem(
                "down",
                f"Worker {self.heartbeat.worker} makes no progress: {problem}.",
                "Restart it, unless a health check does that.",
            )
            for problem in self.health.alive()
        ]
        if not self.health.devices.warm:
            found.append(
                Problem(
                    "warn",
                    f"Worker {self.heartbeat.worker} is still loading its OCR engine.",
                    "Wait for a minute; if it cannot, its log says why.",
                )
            )
        return found
