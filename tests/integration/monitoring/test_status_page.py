"""The status page as a browser or a program gets it."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from email.message import Message
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from service.monitoring.health import Health
from service.monitoring.heartbeat import Heartbeat
from service.monitoring.http_server import Answer
from service.runtime.app import build_app
from service.settings import Settings

TOKEN = "hunter2"


class Page:
    """A worker's health port, asked over HTTP."""

    def __init__(self, health: Health, heartbeat: Heartbeat) -> None:
        self.health = health
        self.heartbeat = heartbeat

    def ask(self, path: str, **headers: str) -> tuple[int, Message, str]:
        """Status, headers and text; waits until the port is open."""
        request = Request(f"http://127.0.0.1:{self.health.port}{path}", headers=headers)
        while True:
            try:
                with urlopen(request, timeout=30) as answer:
                    return answer.status, answer.headers, answer.read().decode()
            except HTTPError as error:
                with error:
                    return error.code, error.headers, error.read().decode()
            except URLError:
                continue

    def figures(self) -> dict[str, Any]:
        status, _, text = self.ask("/status.json")
        assert status == HTTPStatus.OK
        return dict(json.loads(text))


PageMaker = Callable[..., Page]


@pytest.fixture
def serve(
    stack: FilotStack, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[PageMaker]:
    """A worker's parts with the health port open and nothing else started.

    Its one heartbeat and its servers' answers may be as late as they like: no clock runs here.
    """
    monkeypatch.setattr("service.monitoring.heartbeat.EXPIRY", 600)
    apps = ExitStack()

    def serve(*, warm: bool = True, **changes: str) -> Page:
        port = str(stack.sandbox.reserve_port())
        variables = {**environment, "OCR_GPU_DRIVER": "onnx", "OCR_GPU_HEALTH_PORT": port, **changes}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        app = apps.enter_context(build_app(Settings()))
        app.poller.timeout = 60.0
        page = Page(app.health, app.heartbeat)
        if warm:
            app.devices.probe()
            page.heartbeat.beat()
        page.health.start()
        return page

    with apps:
        yield serve


def calls(backend: FilotBackend, command: str) -> int:
    statistics: dict[str, Any] = backend.redis.info("commandstats")
    return int(statistics.get(f"cmdstat_{command}", {"calls": 0})["calls"])


def test_the_page_may_load_nothing_but_its_own_figures(serve: PageMaker) -> None:
    status, headers, text = serve().ask("/")

    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert status == HTTPStatus.OK
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["script-src"].startswith("'sha256-")
    assert policy["style-src"].startswith("'sha256-")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "src=" not in text
    assert "Python" not in headers["Server"]


def test_a_healthy_worker_is_shown_as_such(serve: PageMaker) -> None:
    figures = serve().figures()

    assert (figures["level"], figures["troubles"]) == ("well", [])
    assert figures["sentence"] == "All is well: 1 worker, no documents waiting, 0 finished in the last hour."
    assert [worker["worker"] for worker in figures["workers"]] == [figures["servedBy"]]
    assert len(figures["minutes"]) == 60


def test_many_viewers_ask_redis_no_more_than_one_does(
    serve: PageMaker, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    # s; more than the test takes.
    monkeypatch.setattr("service.monitoring.poller.TRAFFIC_MAX_AGE", 600.0)
    page = serve()
    page.figures()
    before = calls(backend, "hgetall")

    with ThreadPoolExecutor(10) as viewers:
        answers = [each.result() for each in [viewers.submit(page.figures) for _ in range(60)]]

    assert {each["level"] for each in answers} == {"well"}
    assert calls(backend, "hgetall") == before


def test_a_worker_that_is_loading_is_shown_as_such(serve: PageMaker) -> None:
    figures = serve(warm=False).figures()

    sentences = [problem["sentence"] for problem in figures["troubles"]]
    assert sentences[0] == "No worker is running, and no documents are waiting."
    assert sentences[1].endswith(" is still loading its OCR engine.")


def test_servers_that_are_away_are_named_and_the_answering_worker_is_shown(
    serve: PageMaker,
) -> None:
    away = {"REDIS_URL": "redis://127.0.0.1:1/0", "DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    page = serve(warm=False, **away)

    figures = page.figures()

    assert figures["level"] == "down"
    assert figures["sentence"] == (
        "Redis is unavailable (nothing listens on that port): no documents are taken, "
        "no results are published."
    )
    assert figures["troubles"][1]["sentence"].startswith(
        "PostgreSQL is unavailable (nothing listens on that port): "
    )
    assert (figures["queue"], figures["jobs"], figures["hour"]) == (None, None, None)
    assert [worker["worker"] for worker in figures["workers"]] == [page.heartbeat.worker]


def test_a_worker_that_hangs_is_shown_as_such(serve: PageMaker) -> None:
    page = serve()
    page.health.active_jobs.last_look -= 3600

    figures = page.figures()

    assert figures["level"] == "down"
    assert " makes no progress: the queue has not been polled for " in figures["sentence"]


def test_a_token_guards_the_page_and_its_figures_but_not_the_checks(serve: PageMaker) -> None:
    page = serve(OCR_STATUS_TOKEN=TOKEN)
    bearer = {"Authorization": f"Bearer {TOKEN}"}

    without = [page.ask(path)[0] for path in ("/", "/status.json", "/status.json?token=hunter2")]
    shown = [page.ask(path, **bearer)[0] for path in ("/", "/status.json")]
    checks = [page.ask(path)[0] for path in ("/health", "/metrics")]

    assert without == [HTTPStatus.UNAUTHORIZED] * 3
    assert shown == [HTTPStatus.OK] * 2
    assert checks == [HTTPStatus.OK] * 2


def test_a_token_in_the_address_leads_to_the_page_with_a_cookie(serve: PageMaker) -> None:
    page = serve(OCR_STATUS_TOKEN=TOKEN)

    status, headers, text = page.ask(f"/?token={TOKEN}")
    cookie = headers["Set-Cookie"].partition(";")[0]
    with_cookie = page.ask("/status.json", Cookie=cookie)[0]

    assert status == HTTPStatus.OK
    assert 'http-equiv="refresh"' in text
    assert TOKEN not in text + headers.as_string()
    assert with_cookie == HTTPStatus.OK


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_page_is_read_only(serve: PageMaker, method: str) -> None:
    page = serve()
    page.ask("/health")
    request = Request(f"http://127.0.0.1:{page.health.port}/status.json", data=b"{}", method=method)

    with pytest.raises(HTTPError) as refused:
        urlopen(request, timeout=30)

    assert refused.value.code == HTTPStatus.METHOD_NOT_ALLOWED
    refused.value.close()


def test_a_page_that_fails_stops_no_other(serve: PageMaker) -> None:
    def broken(_: object) -> Answer:
        raise ZeroDivisionError

    page = serve()
    page.health.add_page("/broken", broken)

    with pytest.raises(ConnectionError):
        page.ask("/broken")

    assert page.ask("/health")[0] == HTTPStatus.OK
