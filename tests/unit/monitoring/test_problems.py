"""What is wrong is said in one sentence, the worst first."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from service.monitoring.backlog import Backlog, OutboxBacklog
from service.monitoring.formatting import humanize_duration
from service.monitoring.heartbeat import WorkerSighting, WorkerState
from service.monitoring.problems import find_problems, healthy_summary
from service.monitoring.status import ActiveJob, Records, Status, Traffic
from service.settings import Settings
from service.store.dead_letters import DeadJob
from service.store.history import MINUTES, Failures, Period

DIED = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
NOTHING = Period(None, 0, 0, 0, None, None)
EMPTY = Backlog(waiting=0, processing=0, put_off=0, oldest_waiting=0.0)
WORKER = WorkerState(worker="one:1", gpu_enabled=True, gpu_available=True, concurrency=2)
WELL = Status(
    traffic=Traffic(EMPTY, [WorkerSighting("one:1", 1.0, WORKER)], []),
    records=Records(
        hour=Period(None, 5, 1, 0, 400.0, 900.0),
        minutes=[NOTHING] * MINUTES,
        recent=[],
        failures=[],
        outbox_backlog=OutboxBacklog(0, 0, {"result": (0, 0.0), "review": (0, 0.0)}),
        dead=[],
    ),
)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    return Settings()


def traffic(**changes: Any) -> Status:
    assert WELL.traffic is not None
    return replace(WELL, traffic=replace(WELL.traffic, **changes))


def records(**changes: Any) -> Status:
    assert WELL.records is not None
    return replace(WELL, records=replace(WELL.records, **changes))


def workers(*states: WorkerState) -> list[WorkerSighting]:
    return [WorkerSighting(f"{number}:1", 1.0, state) for number, state in enumerate(states)]


def lately(**counts: int) -> list[Period]:
    return [*[NOTHING] * (MINUTES - 1), replace(NOTHING, **counts)]


def said(status: Status, settings: Settings) -> list[tuple[str, str]]:
    return [(problem.level, problem.sentence) for problem in find_problems(status, settings)]


def test_nothing_is_wrong_when_a_worker_lives_and_nothing_waits(settings: Settings) -> None:
    assert find_problems(WELL, settings) == []
    assert healthy_summary(WELL) == "All is well: 1 worker, nothing waits, 6 documents in the last hour."


def test_a_queue_that_moves_is_no_trouble(settings: Settings) -> None:
    status = traffic(backlog=Backlog(2000, 2, 0, 40.0))

    assert find_problems(status, settings) == []
    assert "2,000 documents wait" in healthy_summary(status)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (
            Status(None, WELL.records, redis_problem="ConnectionError"),
            "Redis is away (ConnectionError): nothing can be taken or published.",
        ),
        (
            Status(WELL.traffic, None, database_problem="no answer for 4 s"),
            "PostgreSQL is away (no answer for 4 s): no document can be worked on.",
        ),
        (
            traffic(workers=[], backlog=Backlog(1, 0, 0, 30.0)),
            "No worker says that it lives, and 1 document waits, the oldest for 30 s.",
        ),
        (
            traffic(backlog=Backlog(12, 0, 0, 240.0)),
            "Nobody takes documents: 12 documents wait, the oldest for 4 min.",
        ),
        (
            traffic(
                workers=workers(replace(WORKER, pause_reasons=["no GPU"]), replace(WORKER, stopping=True))
            ),
            "1 of 2 workers takes nothing (no GPU), and nothing waits.",
        ),
        (
            traffic(jobs=[ActiveJob("card", 700.0, 1, "one:1")]),
            "Worker one:1 has had a document in hand for 12 min; the limit is 2 min.",
        ),
        (
            traffic(jobs=[ActiveJob("card", 700.0, 1, None)]),
            "A document was taken 12 min ago and no worker says that it has it; the limit is 2 min.",
        ),
        (
            records(outbox_backlog=OutboxBacklog(0, 0, {"result": (3, 100.0), "review": (0, 0.0)})),
            "3 results are stored but not published, the oldest for 100 s.",
        ),
    ],
)
def test_what_makes_work_stand_still_is_down(status: Status, sentence: str, settings: Settings) -> None:
    assert said(status, settings) == [("down", sentence)]


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (
            traffic(workers=workers(WORKER, replace(WORKER, gpu_available=False, gpu_absence="it is lost"))),
            "1 of 2 workers has lost the GPU or found none and reads on the CPU: it is lost.",
        ),
        (
            traffic(workers=workers(WORKER, replace(WORKER, pause_reasons=["no GPU"]))),
            "1 of 2 workers takes nothing (no GPU), and nothing waits.",
        ),
        (
            traffic(backlog=Backlog(50, 2, 0, 400.0), jobs=[ActiveJob("card", 1.0, 1, "one:1")]),
            "The queue is longer than the workers can keep up with: 50 documents wait, the oldest for 7 min.",
        ),
        (
            traffic(backlog=Backlog(0, 4, 4, 0.0)),
            "4 documents were put off to be tried again, and none has ended in the last 5 minutes.",
        ),
        (
            traffic(workers=workers(WORKER, replace(WORKER, download_seconds=9.2))),
            "1 of 2 workers waits for the file store, for 9 s by now.",
        ),
        (
            traffic(workers=[*workers(WORKER), WorkerSighting("two:2", 200.0, None)]),
            "Worker two:2 fell silent 3 min ago without a farewell.",
        ),
        (
            records(outbox_backlog=OutboxBacklog(0, 0, {"result": (0, 0.0), "review": (1, 400.0)})),
            "The review service does not take 1 review, the oldest for 7 min.",
        ),
        (
            records(minutes=lately(auto_approved=10, failed=2), failures=[Failures("not_an_image", 2, 2)]),
            "2 of 12 documents failed in the last 5 minutes, mostly of not_an_image.",
        ),
        (
            records(outbox_backlog=OutboxBacklog(0, 1, {"result": (0, 0.0), "review": (0, 0.0)})),
            "1 review was given up: no person has been asked.",
        ),
        (
            records(
                outbox_backlog=OutboxBacklog(2, 0, {"result": (0, 0.0), "review": (0, 0.0)}),
                dead=[DeadJob("card", "job", 3, "EngineError", DIED)],
            ),
            "2 jobs used up their attempts.",
        ),
    ],
)
def test_what_somebody_should_look_at_is_a_warning(status: Status, sentence: str, settings: Settings) -> None:
    assert said(status, settings) == [("warn", sentence)]


@pytest.mark.parametrize(
    "status",
    [
        traffic(workers=workers(replace(WORKER, gpu_enabled=False, gpu_available=False))),
        traffic(workers=[*workers(WORKER), WorkerSighting("two:2", 3000.0, None)]),
        traffic(jobs=[ActiveJob("card", 60.0, 1, "one:1")]),
        traffic(workers=workers(replace(WORKER, download_seconds=2.0))),
        replace(
            traffic(backlog=Backlog(0, 2, 2, 0.0)), records=records(minutes=lately(auto_approved=1)).records
        ),
        records(minutes=lately(auto_approved=30, failed=2)),
        records(minutes=lately(failed=1)),
        records(outbox_backlog=OutboxBacklog(0, 0, {"result": (1, 30.0), "review": (4, 60.0)})),
    ],
    ids=[
        "no GPU wanted",
        "silent for long",
        "young job",
        "short download",
        "some end",
        "few fail",
        "one fails",
        "just untold",
    ],
)
def test_what_passes_by_itself_wakes_nobody(status: Status, settings: Settings) -> None:
    assert find_problems(status, settings) == []


def test_the_worst_comes_first(settings: Settings) -> None:
    status = replace(
        records(outbox_backlog=OutboxBacklog(0, 1, {"result": (0, 0.0), "review": (0, 0.0)})),
        traffic=None,
        redis_problem="TimeoutError",
    )

    levels = [level for level, _ in said(status, settings)]

    assert levels == ["down", "warn"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h")]
)
def test_times_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert humanize_duration(seconds) == text
