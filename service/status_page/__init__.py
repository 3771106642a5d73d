"""The status page of a worker's health port: what goes on, what is wrong and what mends it. Read only."""

from collections.abc import Callable
from http import HTTPStatus

from service.health import Answer, Health, Request, json_answer
from service.heartbeat import Heartbeat
from service.settings import Settings
from service.status import Records, Status, Traffic, TrafficReader, read_records
from service.status_page.access import Access
from service.status_page.document import PAGE, SIGN_IN
from service.status_page.figures import figures
from service.status_page.source import Source
from service.troubles import Trouble

#: s for which what Redis said, and what PostgreSQL said, is good enough: the last hour changes slowly.
TRAFFIC_FRESH, RECORDS_FRESH = 1.0, 3.0


class StatusPage:
    """Answers `/` with the page and `/status.json` with what the page shows and asks for every few seconds.

    Parameters:
        settings: names, limits and the token
        health: what this process says of itself, and with which servers it works
        heartbeat: the same, as other workers see it
    """

    def __init__(self, settings: Settings, health: Health, heartbeat: Heartbeat) -> None:
        self.settings = settings
        self.health = health
        self.heartbeat = heartbeat
        self.access = Access(settings.status_token)
        reader = TrafficReader(health.in_hand.ledger.client, settings)
        self.traffic: Source[Traffic] = Source("redis", reader.read, TRAFFIC_FRESH)
        self.records: Source[Records] = Source(
            "postgresql", lambda: read_records(health.database), RECORDS_FRESH
        )

    def pages(self) -> dict[str, Callable[[Request], Answer]]:
        """What answers which path."""
        return {"/": self.page, "/status.json": self.figures}

    def page(self, request: Request) -> Answer:
        """The page, or what asks for the token; a token in the address moves into a cookie."""
        given = self.access.given_in_address(request)
        if given is not None:
            return self.access.remember(given, request)
        return PAGE if self.access.granted(request) else SIGN_IN

    def figures(self, request: Request) -> Answer:
        """Everything that the page shows, in JSON."""
        if not self.access.granted(request):
            return json_answer(HTTPStatus.UNAUTHORIZED, {"error": "a token is needed"})
        # Both are asked at the same time: two servers that are away cost no more patience than one.
        self.traffic.ask()
        self.records.ask()
        return json_answer(
            HTTPStatus.OK,
            figures(self._look(), self._own_troubles(), self.heartbeat.state(), self.settings),
        )

    def _look(self) -> Status:
        traffic, records = self.traffic.latest(), self.records.latest()
        return Status(traffic.value, records.value, traffic.problem, records.problem)

    def _own_troubles(self) -> list[Trouble]:
        found = [
            Trouble(
                "down",
                f"Worker {self.heartbeat.worker} makes no progress: {problem}.",
                "It is ended and started anew where somebody watches its health; else do that by hand.",
            )
            for problem in self.health.alive()
        ]
        if not self.health.devices.warm:
            found.append(
                Trouble(
                    "warn",
                    f"Worker {self.heartbeat.worker} is still warming up its OCR engine.",
                    "Wait for a minute; its log says if it cannot.",
                )
            )
        return found
