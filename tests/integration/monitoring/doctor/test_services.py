"""What the doctor says of the document store, the review service, encryption and clocks."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from devstack.servers import FilotStack
from devstack.servers.sandbox import Sandbox, open_sandbox
from devstack.servers.storage import Storage
from service.monitoring.doctor.clock import check_clock
from service.monitoring.doctor.configuration import check_encryption, check_settings
from service.monitoring.doctor.object_store import check_storage
from service.monitoring.doctor.review_service import check_reviews
from tests.integration.monitoring.doctor.conftest import SettingsMaker


class StrictStorage(Storage):
    """One that knows no access key at all, after its bucket is made."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.environment = {"INITIAL_NO_AUTH_ACTION_COUNT": "1"}


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A web server that answers everything with one status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Be silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_store_that_lets_us_read_says_that_there_is_no_such_file(settings_with: SettingsMaker) -> None:
    (found,) = check_storage(settings_with())

    assert found.level == "green"


def test_a_missing_bucket_is_told(settings_with: SettingsMaker) -> None:
    (found,) = check_storage(settings_with(CF_R2_BUCKET_NAME="nobodys"))

    assert (found.level, found.says) == ("red", "there is no such bucket")


def test_unknown_keys_are_told_as_such(settings_with: SettingsMaker) -> None:
    with open_sandbox() as sandbox:
        strict = StrictStorage(sandbox)
        strict.start()
        (found,) = check_storage(settings_with(CF_R2_ENDPOINT=strict.endpoint))

    assert (found.level, found.says) == ("red", "it does not know our access key")
    assert "CF_R2_ACCESS_KEY_ID" in found.advice


def test_a_store_that_is_away_is_told(settings_with: SettingsMaker) -> None:
    (found,) = check_storage(settings_with(CF_R2_ENDPOINT="http://127.0.0.1:1"))

    assert (found.level, found.says) == ("red", "nobody listens there")


def test_a_web_server_that_is_no_store_is_red(settings_with: SettingsMaker) -> None:
    with answering(404) as url:
        (found,) = check_storage(settings_with(CF_R2_ENDPOINT=url))

    assert found.level == "red"


def test_a_review_service_that_answers_is_green_and_gets_no_review(
    settings_with: SettingsMaker, stack: FilotStack
) -> None:
    (found,) = check_reviews(settings_with())

    assert found.level == "green"
    assert stack.reviews.received() == []


@pytest.mark.parametrize(
    ("status", "level", "says"),
    [
        (200, "green", "it answers"),
        (404, "green", "takes no GET there (HTTP 404), as is right"),
        (401, "red", "refuses our key"),
        (403, "red", "refuses our key"),
        (301, "red", "sends us elsewhere"),
        (503, "red", "is in trouble"),
    ],
)
def test_what_a_review_service_answers_is_judged(
    status: int, level: str, says: str, settings_with: SettingsMaker
) -> None:
    with answering(status) as url:
        (found,) = check_reviews(settings_with(BULI2_API_URL=url))

    assert found.level == level
    assert says in found.says


@pytest.mark.parametrize(("url", "level"), [("http://127.0.0.1:1", "red"), ("", "yellow")])
def test_without_a_review_service_it_says_so(url: str, level: str, settings_with: SettingsMaker) -> None:
    (found,) = check_reviews(settings_with(BULI2_API_URL=url))

    assert found.level == level


def test_ways_without_encryption_are_yellow(settings_with: SettingsMaker) -> None:
    (local,) = check_encryption(settings_with())
    (remote,) = check_encryption(settings_with(CF_R2_ENDPOINT="http://store.example"))

    assert (local.level, remote.level) == ("green", "yellow")
    assert "CF_R2_ENDPOINT" in remote.says


def test_missing_and_misspelt_settings_are_told(settings_with: SettingsMaker) -> None:
    named, *_ = check_settings(settings_with())
    missing, misspelt = check_settings(settings_with(CF_R2_BUCKET_NAME="", OCR_GPU_CONCURENCY="3"))

    assert (named.level, missing.level, misspelt.level) == ("green", "red", "yellow")
    assert "CF_R2_BUCKET_NAME" in missing.says
    assert "OCR_GPU_CONCURRENCY" in misspelt.says


@pytest.mark.parametrize(("ahead", "level"), [(0, "green"), (60, "yellow"), (-60, "yellow"), (3600, "red")])
def test_clocks_that_differ_are_told(ahead: float, level: str, settings_with: SettingsMaker) -> None:
    redis, postgresql = check_clock(settings_with(), now=lambda: time.time() + ahead)

    assert (redis.level, postgresql.level) == (level, level)
    assert (redis.check, postgresql.check) == ("clock of redis", "clock of postgresql")


def test_the_clock_of_a_server_that_is_away_is_not_judged(settings_with: SettingsMaker) -> None:
    redis, postgresql = check_clock(settings_with(REDIS_URL="redis://127.0.0.1:1/0"))

    assert (redis.level, postgresql.level) == ("yellow", "green")
