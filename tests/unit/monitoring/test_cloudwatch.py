"""What the worker writes for CloudWatch is what the alarms, the autoscaler and the dashboard read."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest

from infra_pulumi import metrics as read
from infra_pulumi import names
from service.monitoring import cloudwatch
from service.monitoring.backlog import Backlog
from service.monitoring.cloudwatch import CloudWatch
from service.monitoring.gpu_usage import GpuUse
from service.monitoring.poller import Poller
from service.queue.active_jobs import ActiveJobs
from service.queue.document_queue import DocumentQueue
from service.queue.redis_client import connect_redis
from service.reading.ocr.devices import Devices
from service.settings import Settings
from service.store.database import Database
from service.telemetry.metrics import STAGE
from tests.support.polled import NOTHING_UNDELIVERED, set_answers


class FakeDevices:
    """A worker's devices without engines."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.warm = True
        self.gpu_available = True


class Parts:
    """Reports of a worker that has no servers."""

    def __init__(self) -> None:
        settings = Settings()
        client = connect_redis(settings)
        self.lines: list[str] = []
        self.problems: list[str] = []
        self.devices = FakeDevices(settings)
        self.poller = Poller(client, Database("postgresql://127.0.0.1:1/none", 1), settings)
        self.reports = CloudWatch(
            settings.metrics_namespace,
            ActiveJobs(DocumentQueue(client, settings), limit=2),
            self.poller,
            lambda: self.problems,
            cast(Devices, self.devices),
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
    monkeypatch.setenv("OCR_GPU_ENABLED", "true")
    monkeypatch.delenv("METRICS_NAMESPACE", raising=False)
    return Parts()


def test_both_sides_use_the_same_names() -> None:
    # A worker that claims no documents of the CPU pipeline has none to report.
    assert read.ALL - {read.CLAIMABLE_LENGTH} <= set(cloudwatch.UNITS) <= read.ALL
    assert (cloudwatch.DIMENSION, cloudwatch.SERVICE) == (read.DIMENSION, names.CONTAINER)
    assert Settings.model_fields["metrics_namespace"].default == read.NAMESPACE


def test_a_full_report_holds_every_metric_once_in_the_embedded_format(parts: Parts) -> None:
    set_answers(
        parts.poller,
        Backlog(waiting=7, processing=2, put_off=0, oldest_waiting=12.5, claimable=4),
        replace(NOTHING_UNDELIVERED, given_up=3),
    )
    parts.poller.gpu = GpuUse(memory_used=1, memory_total=2, utilisation=0.25)
    parts.reports.count(failed=False, milliseconds=640, on_cpu=True)
    parts.reports.count(failed=True, milliseconds=80)

    (report,) = parts.written()

    (described,) = report["_aws"]["CloudWatchMetrics"]
    assert report["_aws"]["Timestamp"] > 1_700_000_000_000
    assert described["Namespace"] == read.NAMESPACE
    assert described["Dimensions"] == [[read.DIMENSION]]
    assert {metric["Name"]: metric["Unit"] for metric in described["Metrics"]} == cloudwatch.UNITS
    assert report[read.DIMENSION] == names.CONTAINER
    assert (report[read.QUEUE_LENGTH], report[read.CLAIMABLE_LENGTH]) == (7, 4)
    assert report[read.OLDEST_WAITING_AGE] == 12.5
    assert report[read.ACTIVE_JOBS] == 0
    assert (report[read.RESULTS], report[read.ERRORS]) == (2, 1)
    assert report[read.PROCESSING_TIME] == [640, 80]
    assert report[read.REVIEWS_GIVEN_UP] == 3
    assert report[read.HEARTBEAT] == 1
    assert (report[read.GPU_IN_USE], report[read.GPU_UTILIZATION]) == (1, 25)
    assert report[read.FALLBACK_DOCUMENTS] == 1


def test_a_worker_says_whether_it_uses_the_gpu_that_it_wants(parts: Parts) -> None:
    parts.devices.gpu_available = False

    (report,) = parts.written()

    assert report[read.GPU_IN_USE] == 0


def test_a_worker_that_has_not_probed_says_nothing_of_the_gpu(parts: Parts) -> None:
    parts.devices.warm = False

    (report,) = parts.written()

    assert read.GPU_IN_USE not in report


def test_a_worker_that_wants_no_gpu_says_nothing_of_one(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_GPU_ENABLED", "false")
    parts.devices.settings = Settings()
    parts.reports.count(failed=False, milliseconds=80, on_cpu=True)

    (report,) = parts.written()

    assert {read.GPU_IN_USE, read.FALLBACK_DOCUMENTS, read.GPU_UTILIZATION} & set(report) == set()


def test_a_report_holds_the_seconds_of_each_stage_since_the_last_one(parts: Parts) -> None:
    STAGE.labels("ocr").observe(1.5)
    (first,) = parts.written()
    STAGE.labels("ocr").observe(0.25)
    (second,) = parts.written()

    assert second[cloudwatch.STAGE_SECONDS]["ocr"] == 0.25
    assert first[cloudwatch.STAGE_SECONDS]["ocr"] >= 1.5
    assert second[cloudwatch.STAGE_SECONDS]["download"] == 0


def test_every_metric_that_is_announced_has_a_value_and_nothing_else_has(parts: Parts) -> None:
    (report,) = parts.written()

    announced = {metric["Name"] for metric in report["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert report.keys() - announced == {"_aws", read.DIMENSION, cloudwatch.STAGE_SECONDS}


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
