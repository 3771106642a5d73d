"""Metrics for CloudWatch: one report a minute on standard output, in its embedded metric format.

CloudWatch Logs turns these lines into metrics; no API call and no permission is needed. The names are those
that the alarms, the autoscaler and the dashboard of ``infra_pulumi`` read.

Format: "Specification: Embedded metric format" in the user guide of Amazon CloudWatch.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from service.monitoring.poller import Poller
from service.queue.active_jobs import ActiveJobs
from service.reading.ocr.devices import Devices
from service.telemetry.metrics import STAGE

#: The only dimension, and its value.
DIMENSION, SERVICE = "Service", "filot-ocr-gpu-worker"

QUEUE_LENGTH = "QueueLength"
CLAIMABLE_LENGTH = "ClaimableLength"
OLDEST_WAITING_AGE = "OldestWaitingAgeSeconds"
ACTIVE_JOBS = "ActiveJobs"
RESULTS = "Results"
ERRORS = "Errors"
PROCESSING_TIME = "ProcessingTimeMs"
REVIEWS_GIVEN_UP = "ReviewsGivenUp"
HEARTBEAT = "Heartbeat"
GPU_IN_USE = "GpuInUse"
GPU_UTILIZATION = "GpuUtilization"
FALLBACK_DOCUMENTS = "FallbackDocuments"

#: Seconds that the stages of the documents took since the last report, by stage: a field, not a metric.
STAGE_SECONDS = "StageSeconds"

UNITS = {
    QUEUE_LENGTH: "Count",
    CLAIMABLE_LENGTH: "Count",
    OLDEST_WAITING_AGE: "Seconds",
    ACTIVE_JOBS: "Count",
    RESULTS: "Count",
    ERRORS: "Count",
    PROCESSING_TIME: "Milliseconds",
    REVIEWS_GIVEN_UP: "Count",
    HEARTBEAT: "Count",
    GPU_IN_USE: "Count",
    GPU_UTILIZATION: "Percent",
    FALLBACK_DOCUMENTS: "Count",
}

#: s between two reports: the period of the alarms.
INTERVAL = 60

#: Values of one metric in one line, the format's limit.
MAX_VALUES = 100

STDOUT = 1

#: A number, or several of them.
Value = float | Sequence[float]


def write_line(line: str) -> None:
    """Write one line to standard output, bypassing Dramatiq, which redirects that to standard error.

    A terminal is left to the log: nobody collects metrics from it.
    """
    if not os.isatty(STDOUT):
        os.write(STDOUT, f"{line}\n".encode())


class CloudWatch:
    """Counts finished documents, and writes a report of them and of the queue.

    Parameters:
        namespace: CloudWatch's name for all metrics of FiLot
        active_jobs, poller: what is reported as well
        problems: lists what prevents progress; while there is any, no heartbeat is reported
        devices: whether the GPU is in use
        write: writes one line
    """

    def __init__(
        self,
        namespace: str,
        active_jobs: ActiveJobs,
        poller: Poller,
        problems: Callable[[], list[str]],
        devices: Devices,
        write: Callable[[str], None] = write_line,
    ) -> None:
        self.namespace = namespace
        self.active_jobs = active_jobs
        self.poller = poller
        self.problems = problems
        self.devices = devices
        self.write = write
        self._lock = threading.Lock()
        self._errors = 0
        self._on_cpu = 0
        self._times: list[int] = []
        self._stage_seconds = _stage_seconds()

    def count(self, *, failed: bool, milliseconds: int, on_cpu: bool = False) -> None:
        """Count a finished document, the ms since it was taken, and whether the CPU read it."""
        with self._lock:
            self._errors += failed
            self._on_cpu += on_cpu
            self._times.append(milliseconds)

    def report(self) -> None:
        """Write a report; to be called every ``INTERVAL`` s and at shutdown."""
        with self._lock:
            errors, on_cpu, times = self._errors, self._on_cpu, self._times
            self._errors, self._on_cpu, self._times = 0, 0, []
        values: dict[str, Value] = {
            ACTIVE_JOBS: len(self.active_jobs.tokens()),
            RESULTS: len(times),
            ERRORS: errors,
        }
        backlog, outbox_backlog = self.poller.backlog, self.poller.outbox_backlog
        if backlog is not None:
            values |= {
                QUEUE_LENGTH: backlog.waiting,
                CLAIMABLE_LENGTH: backlog.claimable,
                OLDEST_WAITING_AGE: backlog.oldest_waiting,
            }
        if outbox_backlog is not None:
            values[REVIEWS_GIVEN_UP] = outbox_backlog.given_up
        if not self.problems():
            values[HEARTBEAT] = 1
        if self.devices.settings.gpu_enabled:
            values[FALLBACK_DOCUMENTS] = on_cpu
            # Before the first probe nothing is known.
            if self.devices.warm:
                values[GPU_IN_USE] = int(self.devices.gpu_available)
        if self.poller.gpu is not None:
            values[GPU_UTILIZATION] = 100 * self.poller.gpu.utilisation
        if times:
            values[PROCESSING_TIME] = times[:MAX_VALUES]
        self._write(values, {STAGE_SECONDS: self._stages_since_last()})
        for start in range(MAX_VALUES, len(times), MAX_VALUES):
            self._write({PROCESSING_TIME: times[start : start + MAX_VALUES]})

    def _stages_since_last(self) -> dict[str, float]:
        before, self._stage_seconds = self._stage_seconds, _stage_seconds()
        return {stage: round(now - before[stage], 3) for stage, now in self._stage_seconds.items()}

    def _write(self, values: Mapping[str, Value], fields: Mapping[str, object] | None = None) -> None:
        described = {
            "Namespace": self.namespace,
            "Dimensions": [[DIMENSION]],
            "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
        }
        about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [described]}
        self.write(json.dumps({"_aws": about, DIMENSION: SERVICE, **values, **(fields or {})}))


def _stage_seconds() -> dict[str, float]:
    """Seconds that each stage has taken in this process."""
    samples = [sample for metric in STAGE.collect() for sample in metric.samples]
    return {sample.labels["stage"]: sample.value for sample in samples if sample.name.endswith("_sum")}
