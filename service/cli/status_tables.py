"""Tables of `status`: figures, workers, failures, dead jobs, latest results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from rich.console import RenderableType
from rich.table import Column, Table
from rich.text import Text

from service.cli.output import local_time, whole
from service.monitoring.formatting import humanize_duration
from service.monitoring.heartbeat import WorkerSighting
from service.monitoring.status import Records, Status, Traffic
from service.monitoring.worker_status import OF_REDIS, worker_summary
from service.settings import Settings
from service.store.actions import Action
from service.store.history import JobRecord

#: Rows of latest dead jobs and results; `dead list` and `status --json` have more.
MAX_ROWS = 5

#: Rows of workers that stopped responding, the latest first; `status --json` has all of the last hour.
MAX_STOPPED = 3

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
    "is_gpu_enabled": "meant to use a GPU",
    "auto_fallback_enabled": "CPU when the GPU fails",
    "max_retries": "attempts of a document",
    "stuck_job_timeout_ms": "stuck jobs return after",
    "reaper_interval_ms": "search for stuck jobs every",
}

#: State of a worker that takes documents where it is meant to.
RUNNING = "running"

#: Shown for a figure of a server that does not answer.
UNKNOWN = "unknown"


class Worth(IntEnum):
    """What a row is worth where not all rows fit: those worth least are left out first."""

    SETTING = 0
    ZERO = 1
    ACTION = 2
    GOOD_RESULT = 3
    FIGURE = 4
    RESULT = 5
    FAILURE = 6
    WORKER = 7
    NEEDS_A_PERSON = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    cells: tuple[RenderableType, ...]
    worth: Worth


@dataclass(frozen=True, slots=True)
class Section:
    """One table; without rows, there is none."""

    columns: Sequence[str | Column]
    rows: Sequence[Row]
    show_header: bool = True
    #: Rows that are left out, and what they are called; without a name, nothing is said of them.
    rest: int = 0
    rest_called: str = ""

    def drawn(self) -> Iterator[RenderableType]:
        """Yield the table, with an empty line before it."""
        if self.rows:
            # A column keeps the cells of the table that it is in.
            columns = [each.copy() if isinstance(each, Column) else each for each in self.columns]
            table = Table(*columns, show_header=self.show_header, box=None)
            for row in self.rows:
                table.add_row(*row.cells)
            yield ""
            yield table
            if self.rest and self.rest_called:
                yield Text(f" ... and {self.rest:,} more {self.rest_called}")

    def without(self, number: int) -> "Section":
        """Leave one row out."""
        rows = [*self.rows[:number], *self.rows[number + 1 :]]
        return replace(self, rows=rows, rest=self.rest + 1)


def sections(status: Status, settings: Settings) -> list[Section]:
    """Return the tables: what changes comes first, settings come last."""
    found = [_figures(status, settings)]
    if status.traffic is not None:
        found.append(_workers(status.traffic))
    if status.records is not None:
        found += _records(status.records)
    return [*found, _settings(status, settings)]


def without_least(shown: Sequence[Section]) -> list[Section] | None:
    """Leave out the row that is worth least, of several the last one; None: there is none left."""
    worths = [row.worth for section in shown for row in section.rows]
    if not worths:
        return None
    index = max(
        number for number, section in enumerate(shown) if min(worths) in [row.worth for row in section.rows]
    )
    last = max(number for number, row in enumerate(shown[index].rows) if row.worth == min(worths))
    return [*shown[:index], shown[index].without(last), *shown[index + 1 :]]


def _figures(status: Status, settings: Settings) -> Section:
    rows = []
    summary = worker_summary(status.traffic, settings)
    not_taken = status.traffic.backlog.not_taken if status.traffic else None
    for name in OF_REDIS:
        if name == "claimable_length" and not_taken is not None:
            rows.append(_figure("in the CPU list", _not_taken(not_taken), is_zero=not not_taken))
        # No reason is given where a GPU is in use.
        elif summary[name] != "":
            rows.append(_figure(LABELS[name], _shown(summary[name]), is_zero=not summary[name]))
    if summary["is_running"]:
        rows.insert(1, Row((LABELS["is_gpu_enabled"], _shown(summary["is_gpu_enabled"])), Worth.SETTING))
    if status.records is not None:
        hour, outbox_backlog = status.records.hour, status.records.outbox_backlog
        finished = f"{hour.finished}, of these {hour.failed} failed"
        rows.append(_figure("finished in the last hour", finished, is_zero=not hour.finished))
        undelivered = {kind: number for kind, (number, _) in outbox_backlog.undelivered.items()}
        owed = f"results {undelivered['result']}, reviews {undelivered['review']}"
        rows.append(_figure("not delivered yet", owed, is_zero=not any(undelivered.values())))
    return Section(["", ""], rows, show_header=False)


def _figure(label: str, value: str, *, is_zero: bool) -> Row:
    return Row((label, value), Worth.ZERO if is_zero else Worth.FIGURE)


def _not_taken(number: int) -> str:
    why = "not taken: OCR_GPU_CLAIM_CPU_QUEUE is off"
    return f"{number:,}, {why}" if number else why


def _settings(status: Status, settings: Settings) -> Section:
    """Settings of the shell that asks: no heartbeat tells of those of the workers."""
    rows = []
    summary = worker_summary(status.traffic, settings)
    of_workers = (*OF_REDIS, "is_gpu_enabled") if summary["is_running"] else OF_REDIS
    for name, value in summary.items():
        if name.endswith("_ms"):
            rows.append(Row((LABELS[name], humanize_duration(value / 1000)), Worth.SETTING))
        elif name not in of_workers:
            rows.append(Row((LABELS[name], _shown(value)), Worth.SETTING))
    return Section(["setting of this shell; workers have their own", ""], rows)


def _shown(value: object) -> str:
    if value is None:
        return UNKNOWN
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _workers(traffic: Traffic) -> Section:
    """Those that respond come first: of those that stopped, the latest are news."""
    living = [each for each in traffic.workers if each.state is not None]
    stopped = sorted((each for each in traffic.workers if each.state is None), key=lambda each: each.seconds)
    rows = [
        *(_worker(each, traffic, Worth.WORKER) for each in living),
        *(_worker(each, traffic, Worth.FIGURE) for each in stopped[:MAX_STOPPED]),
    ]
    return Section(
        ["worker", "device", "in work", "oldest job", "state"],
        rows,
        rest=len(stopped[MAX_STOPPED:]),
        rest_called="workers",
    )


def _worker(sighting: WorkerSighting, traffic: Traffic, worth: Worth) -> Row:
    ages = [job.seconds for job in traffic.jobs if job.worker == sighting.worker]
    *cells, state = _activity(sighting, humanize_duration(max(ages)) if ages else "-")
    idle = sighting.state is not None and state != RUNNING
    return Row((sighting.worker, *cells, state), Worth.NEEDS_A_PERSON if idle else worth)


def _activity(sighting: WorkerSighting, oldest_job: str) -> tuple[str, str, str, str]:
    state = sighting.state
    if state is None:
        return "?", "?", oldest_job, f"no heartbeat for {humanize_duration(sighting.seconds)}"
    reasons = "; ".join(state.pause_reasons) or ("stopping" if state.stopping else "")
    # A worker that is to use the CPU only lacks nothing.
    without_gpu = state.gpu_absence if state.gpu_enabled else ""
    device = "GPU" if state.gpu_available else "CPU"
    in_work = f"{state.active_jobs} of {state.concurrency}"
    return device, in_work, oldest_job, reasons or without_gpu or RUNNING


def _records(records: Records) -> Iterator[Section]:
    yield Section(
        ["failure", "last hour", "last day"],
        [
            Row((cause.code, str(cause.last_hour), str(cause.last_day)), Worth.FAILURE)
            for cause in records.failures
        ],
    )
    yield Section(
        [whole("dead job"), "tries", "cause", whole("died at")],
        [
            Row(
                (job.document_id, str(job.attempts), job.cause, local_time(job.died_at)),
                Worth.NEEDS_A_PERSON,
            )
            for job in records.dead[:MAX_ROWS]
        ],
    )
    yield Section(
        [whole("latest result"), "type", "outcome", "score", "ms"],
        list(map(_result, records.recent[:MAX_ROWS])),
    )
    yield Section(
        ["operator's action", "reason", "documents", "by", "at"], list(map(_action, records.actions))
    )


def _result(end: JobRecord) -> Row:
    outcome = f"{end.outcome} ({end.code})" if end.code else end.outcome
    score = "-" if end.score is None else str(end.score)
    worth = Worth.GOOD_RESULT if end.outcome == "auto_approved" else Worth.RESULT
    return Row((end.document_id, end.document_type, outcome, score, str(end.milliseconds)), worth)


def _action(action: Action) -> Row:
    number = str(len(action.documents) or "-")
    by, at = Text(action.operator), local_time(action.done_at)
    return Row((action.action, Text(action.reason), number, by, at), Worth.ACTION)
