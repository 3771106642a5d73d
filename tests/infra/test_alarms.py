"""Alarms and scaling policies do what they are for, evaluated against series of data points."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from cloudless.cloudwatch import Autoscaler, Samples, alarm_minutes, evaluate, in_alarm
from cloudless.deployment import Deployment
from cloudless.server import Aws

from bench.scaling import Policies

WORKER = "filot-ocr-gpu-worker"

#: Long enough for every alarm to fire.
HOUR = range(1, 61)

pytestmark = pytest.mark.usefixtures("production")


@pytest.fixture(scope="module")
def alarms(server: Aws, production: Deployment) -> dict[str, Mapping[str, Any]]:
    """All alarms by what follows the worker's name."""
    found = server("cloudwatch").describe_alarms(AlarmNamePrefix=WORKER)["MetricAlarms"]
    return {alarm["AlarmName"].removeprefix(f"{WORKER}-"): alarm for alarm in found}


@pytest.fixture
def autoscaler(policies: Policies) -> Callable[[int], Autoscaler]:
    """Makes the stack's autoscaler with a number of workers."""
    return lambda workers: Autoscaler(policies.target, policies.policies, policies.alarms, desired=workers)


def fleet(
    minutes: Iterable[int] = range(60),
    *,
    workers: int = 1,
    queue: Callable[[int], float] = lambda _: 0,
    results: Callable[[int], float] = lambda _: 2,
    errors: Callable[[int], float] = lambda _: 0,
    gpu: Callable[[int, int], float] = lambda _minute, _worker: 1,
    active: float = 0,
    tasks: bool = True,
) -> Samples:
    """What healthy workers, and ECS about their tasks, report in each minute unless told otherwise."""
    samples = Samples()
    for minute in minutes:
        for worker in range(workers):
            first = worker == 0
            samples.add(minute, "QueueLength", queue(minute))
            samples.add(minute, "Heartbeat", 1)
            samples.add(minute, "ActiveJobs", active)
            samples.add(minute, "GpuInUse", gpu(minute, worker))
            samples.add(minute, "ReviewsGivenUp", 0)
            samples.add(minute, "Results", results(minute) if first else 0)
            samples.add(minute, "Errors", errors(minute) if first else 0)
            if tasks:
                samples.add(minute, "CPUUtilization", 40, namespace="AWS/ECS")
        samples.add(minute, "CapacityProviderReservation", 100, namespace="AWS/ECS/ManagedScaling")
    return samples


def steady(value: float) -> Callable[[int], float]:
    return lambda _: value


def firing(alarms: Mapping[str, Mapping[str, Any]], samples: Samples) -> dict[str, list[int]]:
    """The minutes in which each alarm for people fires."""
    fired = {
        name: alarm_minutes(alarm, samples, HOUR)
        for name, alarm in alarms.items()
        if not name.startswith("scale-")
    }
    return {name: minutes for name, minutes in fired.items() if minutes}


def test_a_quiet_night_wakes_nobody(alarms: dict[str, Mapping[str, Any]]) -> None:
    # From the first report on: before it there is nothing to be silent about.
    samples = fleet(range(-60, 61), results=lambda minute: 0)

    assert firing(alarms, samples) == {}


def test_a_busy_day_wakes_nobody(alarms: dict[str, Mapping[str, Any]]) -> None:
    samples = fleet(
        range(-60, 61), workers=4, queue=lambda minute: 99, results=lambda _: 300, errors=lambda _: 29
    )

    assert firing(alarms, samples) == {}


def test_a_growing_backlog_is_reported_once_it_has_lasted(alarms: dict[str, Mapping[str, Any]]) -> None:
    # Above 100 from minute 11 on: reported after five minutes, until it is gone.
    samples = fleet(range(-60, 61), workers=2, queue=lambda m: 10 * m if m <= 40 else 0)

    assert firing(alarms, samples) == {"backlog": list(range(16, 42))}


def test_a_backlog_that_is_worked_off_at_once_is_not_reported(alarms: dict[str, Mapping[str, Any]]) -> None:
    # Flapping: above the limit for two minutes of every three.
    samples = fleet(range(-60, 61), queue=lambda minute: 5_000 if minute % 3 else 0)

    assert firing(alarms, samples) == {}


def test_the_longest_queue_that_any_worker_saw_counts(alarms: dict[str, Mapping[str, Any]]) -> None:
    samples = fleet(range(-60, 61), workers=3)
    for minute in range(61):
        samples.add(minute, "QueueLength", 101)

    assert list(firing(alarms, samples)) == ["backlog"]


@pytest.mark.parametrize(
    ("results", "errors", "reported"),
    [
        (1, 1, False),  # one bad upload in a quiet hour
        (2, 2, True),
        (20, 2, False),  # ten per cent exactly
        (100, 11, True),
        (1000, 99, False),
    ],
)
def test_failed_documents_are_reported_by_their_share(
    alarms: dict[str, Mapping[str, Any]], results: int, errors: int, reported: bool
) -> None:
    spread = 1 if results < 100 else 5
    samples = fleet(
        range(-60, 61),
        workers=3,
        results=lambda minute: results / spread if 20 <= minute < 20 + spread else 0,
        errors=lambda minute: errors / spread if 20 <= minute < 20 + spread else 0,
    )

    assert ("errors" in firing(alarms, samples)) is reported
    assert in_alarm(alarms["errors"], samples, 25) is reported
    assert not in_alarm(alarms["errors"], samples, 40)


def test_silence_is_reported_within_minutes(alarms: dict[str, Mapping[str, Any]]) -> None:
    # The task runs on and the worker reports nothing: it hangs.
    samples = fleet(range(-60, 20), tasks=True)
    for minute in range(20, 61):
        samples.add(minute, "CPUUtilization", 0, namespace="AWS/ECS")

    fired = firing(alarms, samples)

    assert list(fired) == ["no-heartbeat"]
    assert 25 <= fired["no-heartbeat"][0] <= 27
    assert fired["no-heartbeat"][-1] == 60


def test_one_of_two_workers_is_enough_for_a_heartbeat(alarms: dict[str, Mapping[str, Any]]) -> None:
    samples = fleet(range(-60, 20), workers=2)
    for minute in range(20, 61):
        samples.add(minute, "Heartbeat", 1)
        samples.add(minute, "CPUUtilization", 40, namespace="AWS/ECS")

    assert firing(alarms, samples) == {}


def test_a_missing_task_is_reported(alarms: dict[str, Mapping[str, Any]]) -> None:
    fired = firing(alarms, fleet(range(-60, 30)))

    assert set(fired) == {"no-heartbeat", "no-running-task"}
    assert 35 <= fired["no-running-task"][0] <= 37


def test_a_restart_of_three_minutes_is_not_reported(alarms: dict[str, Mapping[str, Any]]) -> None:
    samples = fleet([minute for minute in range(-60, 61) if not 20 <= minute < 23])

    assert firing(alarms, samples) == {}


def test_a_worker_without_its_gpu_is_reported(alarms: dict[str, Mapping[str, Any]]) -> None:
    # One of four from minute 30 on; the others keep theirs.
    samples = fleet(
        range(-60, 61), workers=4, gpu=lambda minute, worker: 0 if worker == 3 and minute >= 30 else 1
    )

    assert firing(alarms, samples) == {"no-gpu": list(range(35, 61))}


def test_a_gpu_that_comes_back_is_not_reported(alarms: dict[str, Mapping[str, Any]]) -> None:
    samples = fleet(range(-60, 61), gpu=lambda minute, _: 0 if 20 <= minute < 24 else 1)

    assert firing(alarms, samples) == {}


def test_reviews_that_nobody_gets_are_reported(alarms: dict[str, Mapping[str, Any]]) -> None:
    samples = fleet(range(-60, 61), workers=2)
    for minute in range(30, 61):
        samples.add(minute, "ReviewsGivenUp", 1)

    assert firing(alarms, samples) == {"reviews-given-up": list(range(35, 61))}


@pytest.mark.parametrize(("minutes", "reported"), [(14, False), (20, True)])
def test_tasks_that_wait_for_an_instance_are_reported(
    alarms: dict[str, Mapping[str, Any]], minutes: int, reported: bool
) -> None:
    samples = fleet(range(-60, 61))
    for minute in range(20, 20 + minutes):
        samples.add(minute, "CapacityProviderReservation", 200, namespace="AWS/ECS/ManagedScaling")

    assert ("instances-short" in firing(alarms, samples)) is reported


def scaled(autoscaler: Autoscaler, samples: Samples, minutes: range = HOUR) -> dict[int, int]:
    """Workers added or removed, by minute."""
    for minute in minutes:
        autoscaler.step(samples, minute)
    return dict(autoscaler.activities)


@pytest.mark.parametrize(("waiting", "added"), [(100, 0), (101, 1), (499, 1), (500, 2), (2_000, 3)])
def test_a_backlog_adds_workers_by_its_size(
    autoscaler: Callable[[int], Autoscaler], waiting: int, added: int
) -> None:
    samples = fleet(range(-60, 61), queue=lambda minute: waiting if minute >= 10 else 50)

    changes = scaled(autoscaler(1), samples, range(1, 16))

    # Two minutes above the limit, then at once.
    assert changes == ({12: added} if added else {})


def test_workers_are_added_step_by_step_up_to_the_limit(autoscaler: Callable[[int], Autoscaler]) -> None:
    samples = fleet(range(-60, 61), queue=lambda _: 300)

    changes = scaled(autoscaler(1), samples)

    assert list(changes.values()) == [1, 1, 1]
    assert [later - earlier for earlier, later in zip(changes, list(changes)[1:], strict=False)] == [5, 5]


def test_a_moment_with_a_backlog_adds_nobody(autoscaler: Callable[[int], Autoscaler]) -> None:
    samples = fleet(range(-60, 61), queue=lambda minute: 5_000 if minute % 4 == 0 else 50)

    assert scaled(autoscaler(1), samples) == {}


def test_workers_leave_one_by_one_under_light_traffic(autoscaler: Callable[[int], Autoscaler]) -> None:
    # A document or two waits whenever a worker looks: an empty queue is never seen.
    samples = fleet(range(-60, 61), workers=3, queue=lambda minute: 1 + minute % 2)

    changes = scaled(autoscaler(3), samples, range(1, 21))

    assert changes == {1: -1, 6: -1}


def test_the_last_worker_stays(autoscaler: Callable[[int], Autoscaler]) -> None:
    scaler = autoscaler(1)

    assert scaled(scaler, fleet(range(-60, 61))) == {}
    assert scaler.desired == 1


def test_workers_stay_while_each_has_work_waiting(autoscaler: Callable[[int], Autoscaler]) -> None:
    # 13 documents for each of four workers.
    samples = fleet(range(-60, 61), workers=4, queue=lambda _: 52)

    assert scaled(autoscaler(4), samples) == {}


@pytest.mark.parametrize(("active", "removed"), [(0.7, True), (0.8, False), (2, False)])
def test_workers_that_are_busy_stay_even_if_nothing_waits(
    autoscaler: Callable[[int], Autoscaler], active: float, removed: bool
) -> None:
    # Each has two threads. Two of three workers at 40 % of that can do the work of three.
    samples = fleet(range(-60, 61), workers=3, active=active)

    assert bool(scaled(autoscaler(3), samples)) is removed


def test_workers_stay_for_a_while_after_the_last_backlog(
    autoscaler: Callable[[int], Autoscaler],
) -> None:
    samples = fleet(range(-60, 61), workers=4, queue=lambda minute: 90 if minute < 20 else 0)

    changes = scaled(autoscaler(4), samples)

    assert 26 <= min(changes) <= 30
    assert set(changes.values()) == {-1}


def test_no_report_changes_nothing(autoscaler: Callable[[int], Autoscaler]) -> None:
    assert scaled(autoscaler(3), Samples()) == {}


def test_workers_that_make_no_progress_are_not_taken_for_idle_ones(
    autoscaler: Callable[[int], Autoscaler],
) -> None:
    samples = Samples()
    for minute in range(-60, 61):
        samples.add(minute, "QueueLength", 0, 0, 0)
        samples.add(minute, "ActiveJobs", 0, 0, 0)

    assert scaled(autoscaler(3), samples) == {}


def test_a_steady_load_does_not_flap(autoscaler: Callable[[int], Autoscaler]) -> None:
    # A queue anywhere between the two limits keeps the number of workers.
    for workers in (1, 2, 3, 4):
        for waiting in (50, 75, 100):
            samples = fleet(range(-60, 61), workers=workers, queue=steady(waiting))

            assert scaled(autoscaler(workers), samples) == {}, (workers, waiting)


def test_a_deployment_is_undone_by_a_missing_gpu_and_by_errors(
    production: Deployment, alarms: dict[str, Mapping[str, Any]]
) -> None:
    undoing = production.one("Service").inputs["alarms"]

    assert undoing["enable"] is True
    assert undoing["rollback"] is True
    assert set(undoing["alarmNames"]) == {f"{WORKER}-errors", f"{WORKER}-no-gpu"}
    # A deployment begins without reports: alarms that take silence for the worst would undo every one.
    assert not any(in_alarm(alarms[name], Samples(), 10) for name in ("errors", "no-gpu"))


@pytest.mark.parametrize(
    ("points", "periods", "wanted", "breaching", "not_breaching"),
    [
        # Rows of AWS' tables for missing data: 0 is a good data point, X a breaching one, - none.
        ("0-X-X", 3, 3, False, False),
        ("0----", 3, 3, False, False),
        ("-----", 3, 3, True, False),
        ("0XX-X", 3, 3, True, True),
        ("---X-", 3, 3, True, False),
        ("0-X-X", 3, 2, True, True),
        ("00X0X", 3, 2, True, True),
        ("0-X--", 3, 2, True, False),
        ("----0", 3, 2, True, False),
        ("---X-", 3, 2, True, False),
    ],
)
def test_missing_data_counts_as_aws_documents_it(
    points: str, periods: int, wanted: int, breaching: bool, not_breaching: bool
) -> None:
    samples = Samples()
    for minute, point in enumerate(points):
        if point != "-":
            samples.add(minute, "Errors", {"0": 0, "X": 9}[point])
    alarm = {
        **{"Namespace": "FiLot", "MetricName": "Errors", "Statistic": "Maximum", "Period": 60},
        **{"ComparisonOperator": "GreaterThanThreshold", "Threshold": 1},
        **{"EvaluationPeriods": periods, "DatapointsToAlarm": wanted},
    }

    states = [
        in_alarm({**alarm, "TreatMissingData": treatment}, samples, len(points))
        for treatment in ("breaching", "notBreaching")
    ]

    assert states == [breaching, not_breaching]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("IF(a > 1, 100 * a / b, 0)", 40.0),
        ("IF(a < 1, 1, 0)", 0.0),
        ("a / (b / 5)", 2.0),
        ("FILL(c, 7) + a", 9.0),
        ("a + c", None),
        ("a / (b - 5)", None),
    ],
)
def test_metric_math_is_evaluated_as_documented(expression: str, value: float | None) -> None:
    assert evaluate(expression, {"a": 2, "b": 5, "c": None}) == value
