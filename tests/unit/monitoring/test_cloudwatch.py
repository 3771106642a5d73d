"""What the worker writes for CloudWatch is what the alarms, the autoscaler and the dashboard read."""

import json
from dataclasses import replace
from typing import Any

import pytest

from infra_pulumi import metrics as read
from infra_pulumi import names
from service.monitoring import cloudwatch
from service.monitoring.backlog import Backlog
from service.monitoring.cloudwatch import CloudWatch
from service.monitoring.poller import Poller
from service.queue.active_jobs import ActiveJobs
from service.queue.document_queue import DocumentQueue, connect_redis
from service.settings import Settings
from service.store.database import Database
from tests.support.polled import NOTHING_UNDELIVERED, set_answers


class Parts:
    """Reports of a worker that has no servers."""

    def __init__(self) -> None:
        settings = Settings()
        client = connect_redis(settings)
        self.lines: list[str] = []
        self.problems: list[str] = []
        self.poller = Poller(client, Database("postgresql://127.0.0.1:1/none", 1), settings)
        self.reports = CloudWatch(
            settings.metrics_namespace,
            ActiveJobs(DocumentQueue(client, settings), limit=2),
            self.poller,
            lambda: self.problems,
            self.lines.append,
        )

    def written(self) -> list[dict[str, Any]]:
        self.reports.report()
        written = [json.loads(line) for line in self.lines]
        self.lines.clear()
        return written


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.delenv("METRICS_NAMESPACE", raising=False)
    return Parts()


def test_both_sides_use_the_same_names() -> None:
    assert set(cloudwatch.UNITS) == read.ALL
    assert (cloudwatch.DIMENSION, cloudwatch.SERVICE) == (read.DIMENSION, names.WORKER)
    assert Settings.model_fields["metrics_namespace"].default == read.NAMESPACE


def test_a_full_report_holds_every_metric_once_in_the_embedded_format(parts: Parts) -> None:
    set_answers(
        parts.poller,
        Backlog(waiting=7, processing=2, put_off=0, oldest_waiting=12.5, claimable=4),
        replace(NOTHING_UNDELIVERED, given_up=3),
    )
    parts.reports.count(failed=False, milliseconds=640)
    parts.reports.count(failed=True, milliseconds=80)

    (report,) = parts.written()

    (described,) = report["_aws"]["CloudWatchMetrics"]
    assert report["_aws"]["Timestamp"] > 1_700_000_000_000
    assert described["Namespace"] == read.NAMESPACE
    assert described["Dimensions"] == [[read.DIMENSION]]
    assert {metric["Name"]: metric["Unit"] for metric in described["Metrics"]} == cloudwatch.UNITS
    assert report[read.DIMENSION] == names.WORKER
    assert (report[read.QUEUE_LENGTH], report[read.CLAIMABLE_LENGTH]) == (7, 4)
    assert report[read.OLDEST_WAITING_AGE] == 12.5
    assert report[read.ACTIVE_JOBS] == 0
    assert (report[read.RESULTS], report[read.ERRORS]) == (2, 1)
    assert report[read.PROCESSING_TIME] == [640, 80]
    assert report[read.REVIEWS_GIVEN_UP] == 3
    assert report[read.HEARTBEAT] == 1


def test_every_metric_that_is_announced_has_a_value_and_nothing_else_has(parts: Parts) -> None:
    (report,) = parts.written()

    announced = {metric["Name"] for metric in report["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert report.keys() - announced == {"_aws", read.DIMENSION}


def test_what_was_reported_is_not_reported_again(parts: Parts) -> None:
    parts.reports.count(failed=True, milliseconds=80)
    parts.written()

    (second,) = parts.written()

    assert (second[read.RESULTS], second[read.ERRORS]) == (0, 0)
    assert read.PROCESSING_TIME not in second


def test_the_heartbeat_stops_when_the_worker_makes_no_progress(parts: Parts) -> None:
    parts.problems.append("the queue has not been polled for 61 s")

    (report,) = parts.written()

    assert read.HEARTBEAT not in report
    assert report[read.ACTIVE_JOBS] == 0


def test_what_cannot_be_seen_is_not_reported_as_nothing(parts: Parts) -> None:
    (report,) = parts.written()

    assert read.REVIEWS_GIVEN_UP not in report
    assert read.QUEUE_LENGTH not in report
    assert read.OLDEST_WAITING_AGE not in report


def test_no_line_holds_more_values_than_the_format_allows(parts: Parts) -> None:
    times = list(range(250))
    for milliseconds in times:
        parts.reports.count(failed=False, milliseconds=milliseconds)

    written = parts.written()

    assert [len(line[read.PROCESSING_TIME]) for line in written] == [100, 100, 50]
    assert [value for line in written for value in line[read.PROCESSING_TIME]] == times
    assert [line.get(read.RESULTS) for line in written] == [250, None, None]
