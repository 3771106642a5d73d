"""Problems that Redis knows of: workers that are missing or paused, documents that wait too long."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from service.monitoring.formatting import agree, humanize_duration, pluralize
from service.monitoring.heartbeat import WorkerSighting, WorkerState
from service.monitoring.problems.problem import Problem
from service.monitoring.status import LATELY, Records, Traffic
from service.queue.operator_pause import REASON_PREFIX
from service.settings import Settings

#: s that the oldest document may wait: in a queue that no worker takes from, and in one that is worked on.
LONG_WAIT, LONG_QUEUE = 60, 300

#: s below which a wait is not worth a word.
SHORT_WAIT = 1

#: s that one download may take: a file has at most 5 MiB, and a store that hangs is given up only after 40 s.
LONG_DOWNLOAD = 5

#: s for which a worker that stopped responding is a problem; fewer once a later one runs in its place. Its
#: jobs are back in the queue long before, but a crash is worth knowing.
UNRESPONSIVE_IS_NEWS, REPLACED_IS_NEWS = 900, 180

#: Workers that one sentence names.
MAX_NAMED = 3

#: In the reason of a worker whose installation cannot use any GPU.
LACKS_PACKAGES = "extra `gpu`"


def traffic_problems(traffic: Traffic, records: Records | None, settings: Settings) -> Iterator[Problem]:
    """Yield the problems of workers and queue, without those of `unresponsive_workers`."""
    running = [each.state for each in traffic.workers if each.state is not None]
    yield from _no_worker(traffic, running)
    yield from _paused(traffic, running)
    yield from _paused_by_operator(traffic)
    yield from _gpu(running)
    if traffic.pause is None:
        # Nobody is to take documents during a pause: that they wait is no news.
        yield from _slow_queue(traffic, running, records)
        yield from _retries(traffic, records)
    if records is not None:
        # Where PostgreSQL answers nobody, that is the problem.
        yield from _without_database(running)
    yield from _slow_store(running)
    yield from _reviews_without_row(running)
    yield from _old_jobs(traffic, settings)


def _no_worker(traffic: Traffic, running: Sequence[WorkerState]) -> Iterator[Problem]:
    if not running:
        yield Problem(
            "down",
            f"No worker is running, and {_waiting(traffic)}.",
            "Start a worker, or find out in its log why none gets ready.",
            "filot-ocr worker",
        )


def _gpu(running: Sequence[WorkerState]) -> Iterator[Problem]:
    without = [s for s in running if s.gpu_enabled and not s.gpu_available and not s.pause_reasons]
    if without:
        absences = sorted({state.gpu_absence for state in without})
        reasons = "; ".join(absences)
        number = len(without)
        not_installed = all(LACKS_PACKAGES in absence for absence in absences)
        yield Problem(
            "warn",
            f"{number} of {pluralize(len(running), 'worker')} {agree(number, 'has', 'have')} no GPU and "
            f"{agree(number, 'runs', 'run')} on the CPU: {reasons}.",
            "Install that there and restart the worker, or set OCR_GPU_ENABLED=false."
            if not_installed
            else "Check the driver and the GPU; a worker probes for its GPU again every minute.",
            "" if not_installed else "nvidia-smi",
        )


def _paused(traffic: Traffic, running: Sequence[WorkerState]) -> Iterator[Problem]:
    paused = [state for state in running if _own_reasons(state)]
    if paused:
        reasons = "; ".join(sorted({reason for state in paused for reason in _own_reasons(state)}))
        all_of_them = all(_own_reasons(state) or state.stopping for state in running)
        yield Problem(
            "down" if all_of_them else "warn",
            f"{len(paused)} of {pluralize(len(running), 'worker')} {agree(len(paused), 'is', 'are')} paused "
            f"({reasons}), and {_waiting(traffic)}.",
            "Fix the cause; the workers resume by themselves.",
            "filot-ocr doctor",
        )


def _own_reasons(state: WorkerState) -> list[str]:
    """Why a worker itself takes nothing; an operator's pause is a problem of its own."""
    return [reason for reason in state.pause_reasons if not reason.startswith(REASON_PREFIX)]


def _paused_by_operator(traffic: Traffic) -> Iterator[Problem]:
    pause = traffic.pause
    if pause is not None:
        end = "" if pause.until is None else f" until {_clock(pause.until, pause.since)}"
        yield Problem(
            "warn",
            f"Paused by {pause.operator} since {_clock(pause.since, time.time())} UTC{end} ({pause.reason}); "
            f"{_waiting(traffic)}.",
            "The workers take documents again at that time, or after:"
            if pause.until
            else "The workers take no documents until somebody ends the pause:",
            "filot-ocr resume",
        )


def _clock(seconds: float, known: float) -> str:
    """Return the time of day in UTC, with the date unless it is that of a moment that the reader knows."""
    date, clock = time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds)).split()
    same_day = date == time.strftime("%Y-%m-%d", time.gmtime(known))
    return clock if same_day else f"{date} {clock}"


def _slow_queue(
    traffic: Traffic, running: Sequence[WorkerState], records: Records | None
) -> Iterator[Problem]:
    waited = traffic.backlog.oldest_waiting
    able = any(not state.pause_reasons for state in running)
    if able and waited > LONG_WAIT and not traffic.jobs and not _finished_lately(records):
        yield Problem(
            "down",
            f"No worker takes documents: {_waiting(traffic)}.",
            "Find the server that the workers are waiting for.",
            "filot-ocr doctor",
        )
    elif able and waited > LONG_QUEUE:
        yield Problem(
            "warn",
            f"The workers cannot keep up with the queue: {_waiting(traffic)}.",
            "Add workers, or find out why those that run are slow.",
            "filot-ocr status",
        )


def _retries(traffic: Traffic, records: Records | None) -> Iterator[Problem]:
    put_off = traffic.backlog.put_off
    if put_off and _finished_lately(records) == 0:
        yield Problem(
            "warn",
            f"{pluralize(put_off, 'document')} {agree(put_off, 'is', 'are')} waiting for a retry, and none "
            f"has finished in the last {LATELY} minutes.",
            "Check whether the file store answers.",
            "filot-ocr doctor",
        )


def _finished_lately(records: Records | None) -> int | None:
    return None if records is None else sum(each.finished for each in records.minutes[-LATELY:])


def _without_database(running: Sequence[WorkerState]) -> Iterator[Problem]:
    without = [state for state in running if state.database_problem]
    if without:
        reasons = "; ".join(sorted({state.database_problem for state in without}))
        names = ", ".join(sorted(state.worker for state in without)[:MAX_NAMED])
        yield Problem(
            "down" if len(without) == len(running) else "warn",
            f"{len(without)} of {pluralize(len(running), 'worker')} cannot use PostgreSQL ({reasons}): "
            f"{names}.",
            "It answers here: compare DATABASE_URL there with the one here, and the network between them.",
            "filot-ocr doctor",
        )


def _slow_store(running: Sequence[WorkerState]) -> Iterator[Problem]:
    waiting = [state for state in running if state.download_seconds > LONG_DOWNLOAD]
    if waiting:
        longest = max(state.download_seconds for state in waiting)
        yield Problem(
            "warn",
            f"{len(waiting)} of {pluralize(len(running), 'worker')} {agree(len(waiting), 'has', 'have')} "
            f"been waiting for the file store for {humanize_duration(longest)}.",
            "Check whether the file store answers; documents are retried meanwhile, and nothing is lost.",
            "filot-ocr doctor",
        )


def _reviews_without_row(running: Sequence[WorkerState]) -> Iterator[Problem]:
    reasons = sorted({state.review_problem for state in running if state.review_problem})
    if reasons:
        yield Problem(
            "warn",
            f"The latest review could not be recorded in manual_reviews ({'; '.join(reasons)}): a reviewer's "
            f"decision about it is lost.",
            "Fix that in PostgreSQL; the next review clears this.",
            "filot-ocr doctor",
        )


def _old_jobs(traffic: Traffic, settings: Settings) -> Iterator[Problem]:
    old = [job for job in traffic.jobs if job.seconds > settings.job_timeout]
    if old:
        age, limit = humanize_duration(old[0].seconds), humanize_duration(settings.job_timeout)
        held = f"Worker {old[0].worker} has been processing a document for {age}"
        lost = f"A document was taken {age} ago and no worker is processing it"
        yield Problem(
            "down",
            f"{held if old[0].worker else lost}; the limit is {limit}.",
            "A hanging worker is restarted; documents without a worker return to the queue. To force that:",
            "filot-ocr requeue --stuck",
        )


def unresponsive_workers(workers: Sequence[WorkerSighting]) -> Iterator[Problem]:
    """Yield the problem that workers stopped responding lately, if any did."""
    now = datetime.now(UTC)
    starts = [started for each in workers if each.state and (started := _start(each.state))]

    def is_news(sighting: WorkerSighting) -> bool:
        replaced = any(started > now - timedelta(seconds=sighting.seconds) for started in starts)
        return sighting.seconds < (REPLACED_IS_NEWS if replaced else UNRESPONSIVE_IS_NEWS)

    news = [each for each in workers if each.state is None and is_news(each)]
    if news:
        last = min(news, key=lambda each: each.seconds)
        yield Problem(
            "warn",
            f"Worker {last.worker} stopped responding {humanize_duration(last.seconds)} ago without a clean "
            f"shutdown.",
            "Its documents return to the queue by themselves; its log says how it ended.",
        )


def _start(state: WorkerState) -> datetime | None:
    try:
        return datetime.fromisoformat(state.started_at).astimezone(UTC)
    except ValueError:
        return None


def _waiting(traffic: Traffic) -> str:
    backlog = traffic.backlog
    if not backlog.waiting:
        return "no documents are waiting"
    text = f"{pluralize(backlog.waiting, 'document')} {agree(backlog.waiting, 'is', 'are')} waiting"
    if backlog.claimable:
        text += f" ({backlog.claimable:,} in the backend's CPU list)"
    if backlog.oldest_waiting < SHORT_WAIT:
        return text
    return f"{text}, the oldest for {humanize_duration(backlog.oldest_waiting)}"
