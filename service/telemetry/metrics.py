"""Metric instruments that the code updates as events happen."""

from collections.abc import Callable, Iterable

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram

# Creation timestamps would double the number of series; the process start time shows restarts.
_without_created: Callable[[], None] = prometheus_client.disable_created_metrics
_without_created()

REGISTRY = CollectorRegistry()

#: s; upper bounds of the histogram buckets, from one query to a job at its time limit.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

#: Stages of a job in order; ``review`` follows in a job of its own.
STAGES = ("take_wait", "download", "decode", "ocr", "parse", "store", "publish", "review")

OUTCOMES = ("auto_approved", "pending_manual_review", "failed")

#: Every code with which a document can fail.
FAILURE_CODES = (
    "blank_page",
    "broken_pdf",
    "cancelled",
    "empty_file",
    "encrypted_pdf",
    "file_breaks_decoder",
    "file_missing",
    "file_refused",
    "file_takes_too_long",
    "file_too_large",
    "file_url_unusable",
    "image_too_large",
    "image_too_small",
    "no_file",
    "no_such_document",
    "not_an_image",
    "retries_exceeded",
    "truncated_image",
    "unknown_document_type",
)


def _counter(name: str, help_text: str, label: str, known: Iterable[str]) -> Counter:
    """Return a counter whose known labels start at 0: a rate needs a first value."""
    counter = Counter(name, help_text, [label], registry=REGISTRY)
    for value in known:
        counter.labels(value)
    return counter


RESULTS = Counter(
    "filot_ocr_results_total",
    "Documents that ended, by outcome and by the device that read them (none: nothing was read).",
    ["outcome", "device"],
    registry=REGISTRY,
)
FAILURES = _counter(
    "filot_ocr_failures_total", "Documents that failed for good, by cause.", "code", FAILURE_CODES
)
PROCESSING = Histogram(
    "filot_ocr_processing_seconds",
    "Time from taking a document to having published its result.",
    buckets=BUCKETS,
    registry=REGISTRY,
)
STAGE = Histogram(
    "filot_ocr_stage_seconds",
    "Time that one part of the work took.",
    ["stage"],
    buckets=BUCKETS,
    registry=REGISTRY,
)
RETRIES = _counter(
    "filot_ocr_retries_total",
    "Jobs put off to be tried again, by cause: only server_away costs no attempt.",
    "cause",
    ("server_away", "engine", "unforeseen"),
)
CPU_FALLBACKS = _counter(
    "filot_ocr_cpu_fallbacks_total",
    "Documents on which the GPU failed and that went back to be read on the CPU, by the kind of failure.",
    "reason",
    ("DeviceError", "DeviceLostError", "DeviceRefusalError", "OutOfMemoryError"),
)
RETURNED = _counter(
    "filot_ocr_jobs_returned_total",
    "Jobs that this worker put back into the queue because no living worker held them.",
    "cause",
    ("lease_expired", "stuck"),
)
REFUSED = Counter(
    "filot_ocr_queue_entries_refused_total",
    "Entries of the queue that were removed because they are no document ids.",
    registry=REGISTRY,
)
LEASE_RENEWALS = _counter(
    "filot_ocr_lease_renewals_total",
    "Renewals of leases on jobs: renewed, lost to another worker, or failed because Redis was away.",
    "result",
    ("renewed", "lost", "failed"),
)
REVIEW_CALLS = _counter(
    "filot_ocr_review_calls_total",
    "Reviews requested: ticket stored, put off to be asked for again, or given up.",
    "result",
    ("ticket", "put_off", "given_up"),
)

for _stage in STAGES:
    STAGE.labels(_stage)
for _outcome in OUTCOMES:
    for _device in ("none",) if _outcome == "failed" else ("cuda", "cpu"):
        RESULTS.labels(_outcome, _device)
