"""What `doctor` reports of the review service."""

import pytest

from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from service.monitoring.doctor.review_service import check_review_requests, check_reviews
from service.settings import needed
from service.store import outbox
from service.store.database import Database
from tests.integration.monitoring.doctor.conftest import SettingsMaker, answering
from tests.support.ids import OTHER

CALLBACKS = "https://backend.example/internal/reviews"


def test_a_review_service_that_answers_is_green_and_gets_no_review(
    settings_with: SettingsMaker, stack: FilotStack
) -> None:
    (found,) = check_reviews(settings_with(BULI2_CALLBACK_URL=CALLBACKS))

    assert found.level == "green"
    assert stack.reviews.received() == []


@pytest.mark.parametrize(
    ("status", "level", "says"),
    [
        (200, "green", "it answers"),
        (404, "green", "it accepts no GET there (HTTP 404), as expected"),
        (401, "red", "refuses the key"),
        (403, "red", "refuses the key"),
        (301, "red", "redirects"),
        (503, "red", "fails (HTTP 503)"),
    ],
)
def test_what_a_review_service_answers_is_judged(
    status: int, level: str, says: str, settings_with: SettingsMaker
) -> None:
    with answering(status) as url:
        (found,) = check_reviews(settings_with(BULI2_API_URL=url, BULI2_CALLBACK_URL=CALLBACKS))

    assert found.level == level
    assert says in found.says


@pytest.mark.parametrize(("url", "level"), [("http://127.0.0.1:1", "red"), ("", "yellow")])
def test_without_a_review_service_it_says_so(url: str, level: str, settings_with: SettingsMaker) -> None:
    (found,) = check_reviews(settings_with(BULI2_API_URL=url, BULI2_CALLBACK_URL=CALLBACKS))

    assert found.level == level


def test_without_a_callback_it_says_that_no_decision_comes_back(settings_with: SettingsMaker) -> None:
    callback, service = check_reviews(settings_with())

    assert (callback.level, service.level) == ("yellow", "green")
    assert "BULI2_CALLBACK_URL is not set: no decision can come back" in callback.says


def test_reviews_that_were_given_up_are_red(settings_with: SettingsMaker, backend: FilotBackend) -> None:
    settings = settings_with()
    with Database(needed(settings.database_url, "DATABASE_URL"), 1).transaction() as cursor:
        outbox.put_review(cursor, OTHER, OTHER, OTHER)
        cursor.execute("UPDATE ocr_worker.outbox SET given_up_at = now()")

    (found,) = check_review_requests(settings)

    assert (found.level, found.says) == ("red", "1 review was given up")
    assert "filot-ocr requeue --reviews" in found.advice


def test_before_the_first_worker_no_review_waits(settings_with: SettingsMaker, url: str) -> None:
    (found,) = check_review_requests(settings_with(DATABASE_URL=url))

    assert (found.level, found.says) == ("green", "none waits")
