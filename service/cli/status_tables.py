"""Tables of `status`: figures, workers, failures, dead jobs, latest results."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from service.cli.output import local_time, whole
from service.monitoring.formatting import humanize_duration
from service.monitoring.heartbeat import WorkerSighting
from service.monitoring.status import Records, Status, Traffic
from service.monitoring.worker_status import OF_REDIS, worker_summary
from service.settings import Settings

#: Rows of latest dead jobs and results; `dead list` and `status --json` have more.
MAX_ROWS = 5

#: Labels of the figures; their names are those of the backend's code.
LABELS = {
    "is_running": "worker running",
    "is_gpu_available": "GPU in use",
    "gpu_absence": "why no GPU",
    "active_jobs_count": "in progress",
    "queue_length": "waiting",
    "claimable_length": "of these in the CPU list",
    "processing_count": "in progress or to retry",
    "workers": "workers",
    "results_unheard": "results nobody received",
    "is_gpu_enabled": "use a GPU",
    "auto_fallback_enabled": "CPU when the GPU fails",
    "max_retries": "attempts of a document",
    "stuck_job_timeout_ms": "stuck jobs return after",
    "reaper_interval_ms": "search for stuck jobs every",
}

#: Shown for a figure of a server that does not answer.
UNKNOWN = "unknown"


def tables(status: Status, settings: Settings) -> Iterator[RenderableType]:
    """Yield the tables, with an empty line before each: what changes comes first, settings come last."""
    for table in (
        _figures(status, settings),
        *(_workers(status.traffic) if status.traffic else ()),
        *(_records(status.records) if status.records else ()),
        _settings(status, settings),
    ):
        yield ""
        yield table


def _figures(status: Status, settings: Settings) -> Table:
    table = Table(show_header=False, box=None)
    summary = worker_summary(status.traffic, settings)
    for name in OF_REDIS:
        # No reason is given where a GPU is in use.
        not_taken = status.traffic.backlog.not_taken if status.traffic else None
        if name == "claimable_length" and not_taken is not None:
            table.add_row("in the CPU list", _not_taken(not_taken))
        elif summary[name] != "":
            table.add_row(LABELS[name], _shown(summary[name]))
    if status.records is not None:
        hour, outbox_backlog = status.records.hour, status.records.outbox_backlog
        table.add_row("finished in the last hour", f"{hour.finished}, of these {hour.failed} failed")
        undelivered = {kind: number for kind, (number, _) in outbox_backlog.undelivered.items()}
        table.add_row(
            "not delivered yet", f"results {undelivered['result']}, reviews {undelivered['review']}"
        )
    return table


def _not_taken(number: int) -> str:
    why = "not taken: OCR_GPU_CLAIM_CPU_QUEUE is off"
    return f"{number:,}, {why}" if number else why


def _settings(status: Status, settings: Settings) -> Table:
    table = Table("setting", "", box=None)
    for name, value in worker_summary(status.traffic, settings).items():
        if name.endswith("_ms"):
            table.add_row(LABELS[name], humanize_duration(value / 1000))
        elif name not in OF_REDIS:
            table.add_row(LABELS[name], _shown(value))
    return table


def _shown(value: object) -> str:
    if value is None:
        return UNKNOWN
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _workers(traffic: Traffic) -> Iterator[Table]:
    if not traffic.workers:
        return
    table = Table("worker", "device", "in work", "oldest job", "state", box=None)
    for sighting in traffic.workers:
        ages = [job.seconds for job in traffic.jobs if job.worker == sighting.worker]
        table.add_row(sighting.worker, *_activity(sighting, humanize_duration(max(ages)) if ages else "-"))
    yield table


def _activity(sighting: WorkerSighting, oldest_job: str) -> tuple[str, str, str, str]:
    state = sighting.state
    if state is None:
        return "?", "?", oldest_job, f"no heartbeat for {humanize_duration(sighting.seconds)}"
    reasons = "; ".join(state.pause_reasons) or ("stopping" if state.stopping else "") or state.gpu_absence
    device = "GPU" if state.gpu_available else "CPU"
    return device, f"{state.active_jobs} of {state.concurrency}", oldest_job, reasons


def _records(records: Records) -> Iterator[Table]:
    if records.failures:
        failures = Table("failure", "last hour", "last day", box=None)
        for cause in records.failures:
            failures.add_row(cause.code, str(cause.last_hour), str(cause.last_day))
        yield failures
    if records.dead:
        dead = Table(whole("dead job"), "tries", "cause", whole("died at"), box=None)
        for job in records.dead[:MAX_ROWS]:
            dead.add_row(job.document_id, str(job.attempts), job.cause, local_time(job.died_at))
        yield dead
    if records.recent:
        recent = Table(whole("latest result"), "type", "outcome", "score", "ms", box=None)
        for end in records.recent[:MAX_ROWS]:
            outcome = f"{end.outcome} ({end.code})" if end.code else end.outcome
            score = "-" if end.score is None else str(end.score)
            recent.add_row(end.document_id, end.document_type, outcome, score, str(end.milliseconds))
        yield recent
    if records.actions:
        latest = Table("operator's action", "reason", "documents", "by", "at", box=None)
        for action in records.actions:
            latest.add_row(
                *(action.action, Text(action.reason), str(len(action.documents) or "-")),
                *(Text(action.operator), local_time(action.done_at)),
            )
        yield latest
