"""The status page of a worker's health port: what goes on, what is wrong and what mends it. Read only."""

from collections.abc import Callable
from http import HTTPStatus

from service.monitoring.health import Answer, Health, Request, json_answer
from service.monitoring.heartbeat import Heartbeat, WorkerSighting
from service.monitoring.problems import Problem
from service.monitoring.status_json import status_json
from service.monitoring.status_page.access import Access
from service.monitoring.status_page.document import PAGE, SIGN_IN
from service.monitoring.status_reader import StatusReader
from service.settings import Settings

#: s that one request waits for a server's answer; a browser should hear of a silent one soon.
TIMEOUT = 2.0


class StatusPage:
    """Answers `/` with the page and `/status.json` with what the page shows and asks for every few seconds.

    Parameters:
        settings: names, limits and the token
        onlooker: asks the servers
        health: what this process says of itself
        heartbeat: the same, as other workers see it
    """

    def __init__(
        self, settings: Settings, status_reader: StatusReader, health: Health, heartbeat: Heartbeat
    ) -> None:
        self.settings = settings
        self.health = health
        self.heartbeat = heartbeat
        self.access = Access(settings.status_token)
        self.status_reader = status_reader

    def pages(self) -> dict[str, Callable[[Request], Answer]]:
        """What answers which path."""
        return {"/": self.page, "/status.json": self.status_json}

    def page(self, request: Request) -> Answer:
        """The page, or what asks for the token; a token in the address moves into a cookie."""
        given = self.access.given_in_address(request)
        if given is not None:
            return self.access.remember(given, request)
        return PAGE if self.access.granted(request) else SIGN_IN

    def status_json(self, request: Request) -> Answer:
        """Everything that the page shows, in JSON."""
        if not self.access.granted(request):
            return json_answer(HTTPStatus.UNAUTHORIZED, {"error": "a token is needed"})
        own = self.heartbeat.state()
        return json_answer(
            HTTPStatus.OK,
            status_json(
                self.status_reader.look(),
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
                "It is ended and started anew where somebody watches its health; else do that by hand.",
            )
            for problem in self.health.alive()
        ]
        if not self.health.devices.warm:
            found.append(
                Problem(
                    "warn",
                    f"Worker {self.heartbeat.worker} is still warming up its OCR engine.",
                    "Wait for a minute; its log says if it cannot.",
                )
            )
        return found
