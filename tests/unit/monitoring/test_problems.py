"""Problems and their sentences, from staged states of the pipeline."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.monitoring.backlog import Backlog, OutboxBacklog
from service.monitoring.formatting import humanize_duration
from service.monitoring.heartbeat import WorkerSighting, WorkerState
from service.monitoring.problems import find_problems, healthy_summary
from service.monitoring.status import ActiveJob, Records, Status, Traffic
from service.queue.operator_pause import OperatorPause
from service.settings import Settings
from service.store.dead_letters import DeadJob
from service.store.history import MINUTES, Period

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


def found(status: Status, settings: Settings) -> list[tuple[str, str]]:
    return [(problem.level, problem.sentence) for problem in find_problems(status, settings)]


def test_an_idle_pipeline_has_no_problem(settings: Settings) -> None:
    assert find_problems(WELL, settings) == []
    assert (
        healthy_summary(WELL) == "All is well: 1 worker, no documents waiting, 6 finished in the last hour."
    )


def test_a_queue_that_moves_is_no_problem(settings: Settings) -> None:
    status = traffic(backlog=Backlog(2000, 2, 0, 40.0))

    assert find_problems(status, settings) == []
    assert "2,000 documents waiting" in healthy_summary(status)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (
            Status(None, WELL.records, redis_problem="ConnectionError"),
            "Redis is unavailable (ConnectionError): no documents are taken, no results are published.",
        ),
        (
            Status(WELL.traffic, None, database_problem="no answer for 4 s"),
            "PostgreSQL is unavailable (no answer for 4 s): no documents are processed.",
        ),
        (
            traffic(workers=[], backlog=Backlog(1, 0, 0, 30.0)),
            "No worker is running, and 1 document is waiting, the oldest for 30 s.",
        ),
        (
            traffic(backlog=Backlog(12, 0, 0, 240.0)),
            "No worker takes documents: 12 documents are waiting, the oldest for 4 min.",
        ),
        (
            traffic(
                workers=workers(replace(WORKER, pause_reasons=["no GPU"]), replace(WORKER, stopping=True))
            ),
            "1 of 2 workers is paused (no GPU), and no documents are waiting.",
        ),
        (
            traffic(jobs=[ActiveJob("card", 700.0, 1, "one:1")]),
            "Worker one:1 has been processing a document for 12 min; the limit is 2 min.",
        ),
        (
            traffic(jobs=[ActiveJob("card", 700.0, 1, None)]),
            "A document was taken 12 min ago and no worker is processing it; the limit is 2 min.",
        ),
        (
            records(outbox_backlog=OutboxBacklog(0, 0, {"result": (3, 100.0), "review": (0, 0.0)})),
            "3 results are stored but not published, the oldest for 100 s.",
        ),
    ],
)
def test_what_makes_work_stand_still_is_down(status: Status, sentence: str, settings: Settings) -> None:
    assert found(status, settings) == [("down", sentence)]


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (
            traffic(workers=workers(WORKER, replace(WORKER, gpu_available=False, gpu_absence="it is lost"))),
            "1 of 2 workers has no GPU and runs on the CPU: it is lost.",
        ),
        (
            traffic(workers=workers(WORKER, replace(WORKER, pause_reasons=["no GPU"]))),
            "1 of 2 workers is paused (no GPU), and no documents are waiting.",
        ),
        (
            traffic(backlog=Backlog(50, 2, 0, 400.0), jobs=[ActiveJob("card", 1.0, 1, "one:1")]),
            "The workers cannot keep up with the queue: 50 documents are waiting, the oldest for 7 min.",
        ),
        (
            traffic(backlog=Backlog(0, 4, 4, 0.0)),
            "4 documents are waiting for a retry, and none has finished in the last 5 minutes.",
        ),
        (
            traffic(workers=workers(WORKER, replace(WORKER, download_seconds=9.2))),
            "1 of 2 workers has been waiting for the file store for 9 s.",
        ),
        (
            traffic(workers=[*workers(WORKER), WorkerSighting("two:2", 200.0, None)]),
            "Worker two:2 stopped responding 3 min ago without a clean shutdown.",
        ),
        (
            records(outbox_backlog=OutboxBacklog(0, 0, {"result": (0, 0.0), "review": (1, 400.0)})),
            "The review service has not accepted 1 review, the oldest for 7 min.",
        ),
        (
            records(minutes=lately(auto_approved=10, failed=2), causes={"not_an_image": 2}),
            "2 of 12 documents failed in the last 5 minutes: not_an_image (2).",
        ),
        (
            records(outbox_backlog=OutboxBacklog(0, 1, {"result": (0, 0.0), "review": (0, 0.0)})),
            "1 review was given up: nobody has been asked to look at this document.",
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
def test_what_does_not_stop_the_work_is_a_warning(status: Status, sentence: str, settings: Settings) -> None:
    assert found(status, settings) == [("warn", sentence)]


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
        "stopped long ago",
        "young job",
        "short download",
        "some finish",
        "few fail",
        "one fails",
        "just undelivered",
    ],
)
def test_what_passes_by_itself_is_no_problem(status: Status, settings: Settings) -> None:
    assert find_problems(status, settings) == []


def test_each_cause_of_failures_is_named_with_its_own_count(settings: Settings) -> None:
    causes = {"not_an_image": 5, "blank_page": 4, "no_such_document": 3, "no_file": 2}
    status = records(minutes=lately(auto_approved=30, failed=14), causes=causes)

    assert found(status, settings) == [
        (
            "warn",
            "14 of 44 documents failed in the last 5 minutes: "
            "not_an_image (5), blank_page (4), no_such_document (3), others (2).",
        )
    ]
    assert [problem.command for problem in find_problems(status, settings)] == ["filot-ocr failed list"]


def test_an_operators_pause_is_told_as_one_and_ended_by_its_command(settings: Settings) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=1, second=0, microsecond=0)
    since, tomorrow = today.timestamp(), today + timedelta(days=1)
    short = OperatorPause("root@vm", "Redis upgrade", since, since + 60)
    paused = workers(replace(WORKER, pause_reasons=[short.sentence()]))
    waiting = Backlog(2, 0, 1, 900.0)

    def told(pause: OperatorPause) -> tuple[str, str, str]:
        (problem,) = find_problems(traffic(workers=paused, backlog=waiting, pause=pause), settings)
        return problem.level, problem.sentence, problem.command

    assert told(short) == (
        "warn",
        "Paused by root@vm since 00:01 UTC until 00:02 (Redis upgrade); "
        "2 documents are waiting, the oldest for 15 min.",
        "filot-ocr resume",
    )
    assert f" until {tomorrow:%Y-%m-%d} 00:01 (" in told(replace(short, until=tomorrow.timestamp()))[1]
    assert "since 00:01 UTC (Redis upgrade)" in told(replace(short, until=None))[1]


@pytest.mark.parametrize("reason", ["paused by an operator", "paused by root@vm at 07:46: Redis upgrade"])
def test_a_pause_that_has_ended_is_no_problem_before_the_next_heartbeat(
    reason: str, settings: Settings
) -> None:
    assert find_problems(traffic(workers=workers(replace(WORKER, pause_reasons=[reason]))), settings) == []


def test_a_cause_of_its_own_stops_a_paused_worker_too(settings: Settings) -> None:
    pause = OperatorPause("root@vm", "Redis upgrade", datetime.now(UTC).timestamp(), None)
    state = replace(WORKER, pause_reasons=["no GPU", pause.sentence()])

    (first, second) = found(traffic(workers=workers(state), pause=pause), settings)

    assert first == ("down", "1 of 1 worker is paused (no GPU), and no documents are waiting.")
    assert second[0] == "warn"


def test_an_unknown_wait_is_left_out(settings: Settings) -> None:
    status = traffic(workers=[], backlog=Backlog(2, 0, 0, 0.0))

    assert found(status, settings) == [("down", "No worker is running, and 2 documents are waiting.")]


def test_documents_in_the_cpu_list_are_shown_apart(settings: Settings) -> None:
    status = traffic(workers=[], backlog=Backlog(12, 0, 0, 90.0, claimable=5))

    assert found(status, settings) == [
        (
            "down",
            "No worker is running, and 12 documents are waiting (5 in the backend's CPU list), "
            "the oldest for 90 s.",
        )
    ]


@pytest.mark.parametrize(("seconds", "news"), [(60, True), (720, False)])
def test_a_crash_is_old_news_once_a_successor_runs(seconds: float, news: bool, settings: Settings) -> None:
    successor = replace(WORKER, started_at=(datetime.now(UTC) - timedelta(seconds=seconds - 10)).isoformat())
    earlier = replace(WORKER, started_at=(datetime.now(UTC) - timedelta(seconds=seconds + 10)).isoformat())
    gone = WorkerSighting("gone:1", seconds, None)

    replaced = found(traffic(workers=[*workers(successor), gone]), settings)
    missing = found(traffic(workers=[*workers(earlier), gone]), settings)

    assert bool(replaced) is news
    assert len(missing) == 1


def test_a_crash_comes_after_what_still_needs_work(settings: Settings) -> None:
    status = replace(
        records(outbox_backlog=OutboxBacklog(1, 0, {"result": (0, 0.0), "review": (0, 0.0)})),
        traffic=replace(WELL.traffic, workers=[*workers(WORKER), WorkerSighting("gone:1", 60.0, None)])
        if WELL.traffic
        else None,
    )

    sentences = [sentence for _, sentence in found(status, settings)]

    assert sentences == [
        "1 job used up its attempts.",
        "Worker gone:1 stopped responding 60 s ago without a clean shutdown.",
    ]


def test_results_that_nobody_receives_are_no_problem(settings: Settings) -> None:
    status = traffic(workers=workers(replace(WORKER, results_unheard=500)))

    assert find_problems(status, settings) == []


def test_a_right_that_postgresql_refuses_stops_the_work(settings: Settings) -> None:
    status = records(obstacles=["our user lacks UPDATE on documents (status)"])

    assert found(status, settings) == [
        ("down", "PostgreSQL cannot be used: our user lacks UPDATE on documents (status).")
    ]


def test_a_refused_password_is_no_outage(settings: Settings) -> None:
    status = replace(
        WELL,
        records=None,
        database_problem="it refuses the password or the user's name",
        database_advice="compare both in DATABASE_URL with the server's",
    )

    (problem,) = find_problems(status, settings)

    assert problem.sentence == (
        "PostgreSQL is up, but does not let us in: it refuses the password or the user's name."
    )
    assert problem.advice == (
        "Compare both in DATABASE_URL with the server's. Only what runs with this setting is affected."
    )


def test_a_worker_that_alone_misses_postgresql_is_named(settings: Settings) -> None:
    refused = replace(WORKER, worker="vm:2", database_problem="it refuses the password or the user's name")
    alone = traffic(workers=workers(WORKER, refused))
    outage = replace(alone, records=None, database_problem="it does not answer")

    assert found(alone, settings) == [
        (
            "warn",
            "1 of 2 workers cannot use PostgreSQL (it refuses the password or the user's name): vm:2.",
        )
    ]
    assert [sentence for _, sentence in found(outage, settings)] == [
        "PostgreSQL is unavailable (it does not answer): no documents are processed."
    ]


def test_an_installation_without_gpu_support_is_not_mended_by_its_driver(settings: Settings) -> None:
    absence = "this installation is without GPU support: nvidia-ml-py is missing, install extra `gpu`"
    states = workers(replace(WORKER, gpu_available=False, gpu_absence=absence))

    (problem,) = find_problems(traffic(workers=states), settings)

    assert problem.command == ""
    assert "driver" not in problem.advice


def test_the_worst_comes_first(settings: Settings) -> None:
    status = replace(
        records(outbox_backlog=OutboxBacklog(0, 1, {"result": (0, 0.0), "review": (0, 0.0)})),
        traffic=None,
        redis_problem="TimeoutError",
    )

    levels = [level for level, _ in found(status, settings)]

    assert levels == ["down", "warn"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h")]
)
def test_durations_have_one_unit(seconds: float, text: str) -> None:
    assert humanize_duration(seconds) == text
