"""A review that FiLot's table cannot take is seen where an operator looks, not in one log line alone."""

from collections.abc import Callable, Iterator
from http import HTTPStatus

import pytest

from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from service.monitoring.doctor.review_service import check_review_requests
from service.monitoring.problems import Problem, find_problems
from service.runtime.app import App
from service.store import outbox, reviews
from tests.support.health_port import ask
from tests.support.ids import OTHER
from tests.support.waiting import wait_until


@pytest.fixture
def broken_table(backend: FilotBackend) -> Iterator[None]:
    """FiLot's table is not there."""
    backend.execute("ALTER TABLE manual_reviews RENAME TO hidden")
    yield
    backend.execute("ALTER TABLE hidden RENAME TO manual_reviews")


def test_a_review_without_a_row_shows_in_ready_and_in_the_status_of_all_workers(
    start: Callable[..., App], backend: FilotBackend, stack: FilotStack, broken_table: None
) -> None:
    app = start(OCR_GPU_HEALTH_PORT=str(stack.sandbox.reserve_port()))
    document_id = backend.add_document(b"picture")
    backend.execute("UPDATE documents SET status = 'completed' WHERE id = %s", document_id)
    wait_until(lambda: ask(app.settings.health_port, "/ready")[0] == HTTPStatus.OK)
    _, before = ask(app.settings.health_port, "/ready")

    with app.database.transaction() as cursor:
        outbox.put_review(cursor, OTHER, document_id, OTHER)
    wait_until(stack.reviews.received)
    code, ready = ask(app.settings.health_port, "/ready")
    app.heartbeat.beat()
    app.poller.traffic.max_age = 0
    found = [problem.sentence for problem in find_problems(app.poller.look(), app.settings)]

    assert "reviews" not in before
    # Documents are read all the same.
    assert code == HTTPStatus.OK
    assert "the table manual_reviews is missing" in ready["reviews"]
    (sentence,) = (each for each in found if "manual_reviews" in each)
    assert sentence.startswith("The latest review could not be recorded in manual_reviews (the table")


def seen(app: App) -> list[Problem]:
    """What an operator sees of reviews that are not accepted."""
    app.heartbeat.beat()
    snapshot = app.poller.look()
    found = find_problems(snapshot, app.settings)
    return [each for each in found if each.sentence.startswith("The review service has not accepted")]


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "Compare BULI2_API_KEY with BULI2's; "), (500, "BULI2 itself fails: see its log; ")],
)
def test_a_service_that_refuses_requests_shows_until_it_accepts_them(
    status: int,
    advice: str,
    start: Callable[..., App],
    backend: FilotBackend,
    stack: FilotStack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reviews, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(reviews, "MAX_DELAY", 0.01)
    stack.reviews.answer_with(status)
    app = start()
    for probe in (app.poller.traffic, app.poller.database_state, app.poller.history):
        assert probe is not None
        probe.max_age = 0
    document_id = backend.add_document(b"picture")
    backend.execute("UPDATE documents SET status = 'completed' WHERE id = %s", document_id)
    before = list(check_review_requests(app.settings))

    with app.database.transaction() as cursor:
        outbox.put_review(cursor, OTHER, document_id, OTHER)
    wait_until(lambda: seen(app))
    (problem,) = seen(app)
    (red,) = check_review_requests(app.settings)
    stack.reviews.forget()
    wait_until(lambda: not seen(app))
    (green,) = check_review_requests(app.settings)

    assert [each.level for each in before] == ["green"]
    assert f": it answered {status}." in problem.sentence
    assert problem.advice.startswith(advice)
    assert (red.level, red.advice.lower()) == ("red", problem.advice.rstrip(".").lower())
    assert red.says.startswith("the review service has not accepted 1 review, ")
    assert green.level == "green"
