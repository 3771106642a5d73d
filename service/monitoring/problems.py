"""What is wrong, in one sentence each, and what to do about it: the worst first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.monitoring.formatting import agree, humanize_duration, pluralize
from service.monitoring.heartbeat import WorkerSighting, WorkerState
from service.monitoring.status import Records, Status, Traffic
from service.settings import Settings

#: ``down``: work stands still or gets lost from sight; ``warn``: it goes on, but somebody should look.
Level: TypeAlias = Literal["down", "warn"]

#: s that the oldest document waits before a queue is a trouble: one that nobody takes from, and one that the
#: workers cannot keep up with.
LONG_WAIT, LONG_QUEUE = 60, 300

#: s that one download may take: a file has at most 5 MiB, and a store that hangs is given up only after 40 s.
LONG_DOWNLOAD = 5

#: Minutes that "lately" means, and the failures in them that are too many: what the alarm on errors says.
LATELY, MIN_FAILURES, FAILURE_SHARE = 5, 2, 0.10

#: s that a result or a review may stay untold.
RESULT_TIMEOUT, REVIEW_TIMEOUT = 90, 120

#: s for which a worker that fell silent is news; its jobs are long back in the queue by then.
SILENCE_IS_NEWS = 900


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    level: Level
    #: What is wrong, one sentence.
    sentence: str
    #: What to do about it, one sentence.
    advice: str
    #: What to type; empty where nothing is to be typed.
    command: str = ""


def find_problems(status: Status, settings: Settings) -> list[Problem]:
    """Everything that is wrong, the worst first."""
    found = list(_servers(status))
    if status.traffic is not None:
        found += _of_traffic(status.traffic, status.records, settings)
    if status.records is not None:
        found += _of_records(status.records)
    return sorted(found, key=lambda problem: problem.level != "down")


def healthy_summary(status: Status) -> str:
    """What to say when nothing is wrong."""
    if status.traffic is None or status.records is None:
        return "All is well."
    waiting = status.traffic.backlog.waiting
    living = sum(each.state is not None for each in status.traffic.workers)
    queue = (
        f"{pluralize(waiting, 'document')} {agree(waiting, 'waits', 'wait')}" if waiting else "nothing waits"
    )
    ended = pluralize(status.records.hour.finished, "document")
    return f"All is well: {pluralize(living, 'worker')}, {queue}, {ended} in the last hour."


def _servers(status: Status) -> Iterator[Problem]:
    if status.traffic is None:
        yield Problem(
            "down",
            f"Redis is away ({status.redis_problem}): nothing can be taken or published.",
            "Bring Redis back; the workers go on by themselves and nothing is lost.",
            "filot-ocr doctor",
        )
    if status.records is None and status.database_problem:
        yield Problem(
            "down",
            f"PostgreSQL is away ({status.database_problem}): no document can be worked on.",
            "Bring PostgreSQL back; the workers go on by themselves and nothing is lost.",
            "filot-ocr doctor",
        )


def _of_traffic(traffic: Traffic, records: Records | None, settings: Settings) -> Iterator[Problem]:
    living = [each.state for each in traffic.workers if each.state is not None]
    yield from _no_worker(traffic, living)
    yield from _paused(traffic, living)
    yield from _gpu(living)
    yield from _nobody_takes(traffic, living, records)
    yield from _slow_store(living)
    yield from _old_jobs(traffic, settings)
    yield from _silent(traffic.workers)


def _no_worker(traffic: Traffic, living: Sequence[WorkerState]) -> Iterator[Problem]:
    if not living:
        yield Problem(
            "down",
            f"No worker says that it lives, and {_waiting(traffic)}.",
            "Start a worker, or find out why none gets ready.",
            "filot-ocr worker",
        )


def _gpu(living: Sequence[WorkerState]) -> Iterator[Problem]:
    without = [s for s in living if s.gpu_enabled and not s.gpu_available and not s.pause_reasons]
    if without:
        reasons = "; ".join(sorted({state.gpu_absence for state in without}))
        number = len(without)
        yield Problem(
            "warn",
            f"{number} of {pluralize(len(living), 'worker')} {agree(number, 'has', 'have')} lost "
            f"the GPU or found "
            f"none and {agree(number, 'reads', 'read')} on the CPU: {reasons}.",
            "Look at the driver and the GPU; a worker looks for its GPU again every minute.",
            "nvidia-smi",
        )


def _paused(traffic: Traffic, living: Sequence[WorkerState]) -> Iterator[Problem]:
    holding = [state for state in living if state.pause_reasons]
    if holding:
        reasons = "; ".join(sorted({reason for state in holding for reason in state.pause_reasons}))
        all_of_them = all(state.pause_reasons or state.stopping for state in living)
        yield Problem(
            "down" if all_of_them else "warn",
            f"{len(holding)} of {pluralize(len(living), 'worker')} "
            f"{agree(len(holding), 'takes', 'take')} nothing "
            f"({reasons}), and {_waiting(traffic)}.",
            "Mend what the reason names; the workers go on by themselves.",
            "filot-ocr doctor",
        )


def _nobody_takes(
    traffic: Traffic, living: Sequence[WorkerState], records: Records | None
) -> Iterator[Problem]:
    waited = traffic.backlog.oldest_waiting
    finished = None if records is None else sum(each.finished for each in records.minutes[-LATELY:])
    able = [state for state in living if not state.pause_reasons]
    if able and waited > LONG_WAIT and not traffic.jobs and not finished:
        yield Problem(
            "down",
            f"Nobody takes documents: {_waiting(traffic)}.",
            "See which of the servers the workers are waiting for.",
            "filot-ocr doctor",
        )
    elif able and waited > LONG_QUEUE:
        yield Problem(
            "warn",
            f"The queue is longer than the workers can keep up with: {_waiting(traffic)}.",
            "Add workers, and see whether those that run are fast enough.",
            "filot-ocr status",
        )
    if traffic.backlog.put_off and finished == 0:
        put_off = traffic.backlog.put_off
        yield Problem(
            "warn",
            f"{pluralize(put_off, 'document')} {agree(put_off, 'was', 'were')} put off to be tried "
            f"again, and "
            f"none has ended in the last {LATELY} minutes.",
            "See whether the file store answers.",
            "filot-ocr doctor",
        )


def _slow_store(living: Sequence[WorkerState]) -> Iterator[Problem]:
    waiting = [state for state in living if state.download_seconds > LONG_DOWNLOAD]
    if waiting:
        longest = max(state.download_seconds for state in waiting)
        yield Problem(
            "warn",
            f"{len(waiting)} of {pluralize(len(living), 'worker')} "
            f"{agree(len(waiting), 'waits', 'wait')} for the "
            f"file store, for {humanize_duration(longest)} by now.",
            "See whether the file store answers; documents are put off meanwhile, and nothing is lost.",
            "filot-ocr doctor",
        )


def _old_jobs(traffic: Traffic, settings: Settings) -> Iterator[Problem]:
    old = [job for job in traffic.jobs if job.seconds > settings.job_timeout]
    if old:
        age, limit = humanize_duration(old[0].seconds), humanize_duration(settings.job_timeout)
        held = f"Worker {old[0].worker} has had a document in hand for {age}"
        lost = f"A document was taken {age} ago and no worker says that it has it"
        yield Problem(
            "down",
            f"{held if old[0].worker else lost}; the limit is {limit}.",
            "A worker that hangs is started anew; what no worker holds goes back to the queue.",
            "filot-ocr requeue --stuck",
        )


def _silent(workers: Sequence[WorkerSighting]) -> Iterator[Problem]:
    silent = [each for each in workers if each.state is None and each.seconds < SILENCE_IS_NEWS]
    if silent:
        last = min(silent, key=lambda each: each.seconds)
        yield Problem(
            "warn",
            f"Worker {last.worker} fell silent {humanize_duration(last.seconds)} ago without a farewell.",
            "Its documents go back to the queue by themselves; its log says how it ended.",
        )


def _of_records(records: Records) -> Iterator[Problem]:
    for look in (_untold_results, _reviews, _failures, _given_up, _dead):
        yield from look(records)


def _untold_results(records: Records) -> Iterator[Problem]:
    number, age = records.outbox_backlog.undelivered["result"]
    if age > RESULT_TIMEOUT:
        yield Problem(
            "down",
            f"{pluralize(number, 'result')} {agree(number, 'is', 'are')} stored but not published, "
            f"the oldest "
            f"for {humanize_duration(age)}.",
            "See whether Redis takes PUBLISH; any worker catches up by itself.",
            "filot-ocr doctor",
        )


def _reviews(records: Records) -> Iterator[Problem]:
    number, age = records.outbox_backlog.undelivered["review"]
    if age > REVIEW_TIMEOUT:
        yield Problem(
            "warn",
            f"The review service does not take {pluralize(number, 'review')}, the oldest for "
            f"{humanize_duration(age)}.",
            "See whether BULI2 answers; each review is asked for again for about a day.",
            "filot-ocr doctor",
        )


def _failures(records: Records) -> Iterator[Problem]:
    lately = records.minutes[-LATELY:]
    failed, finished = sum(each.failed for each in lately), sum(each.finished for each in lately)
    if failed >= MIN_FAILURES and failed > FAILURE_SHARE * finished:
        cause = f", mostly of {records.failures[0].code}" if records.failures else ""
        yield Problem(
            "warn",
            f"{failed} of {pluralize(finished, 'document')} failed in the last {LATELY} minutes{cause}.",
            "See the failures by cause below: a bad upload fails once, a bad engine fails all.",
        )


def _given_up(records: Records) -> Iterator[Problem]:
    given_up = records.outbox_backlog.given_up
    if given_up:
        yield Problem(
            "warn",
            f"{pluralize(given_up, 'review')} {agree(given_up, 'was', 'were')} given up: no person "
            f"has been asked.",
            "Have them asked for again once BULI2 answers.",
            "filot-ocr requeue --reviews",
        )


def _dead(records: Records) -> Iterator[Problem]:
    dead = records.outbox_backlog.dead
    if dead:
        yield Problem(
            "warn",
            f"{pluralize(dead, 'job')} used up {agree(dead, 'its', 'their')} attempts.",
            "Look at the cause, then queue the documents again or drop them.",
            "filot-ocr dead list",
        )


def _waiting(traffic: Traffic) -> str:
    backlog = traffic.backlog
    if not backlog.waiting:
        return "nothing waits"
    waits = f"{pluralize(backlog.waiting, 'document')} {agree(backlog.waiting, 'waits', 'wait')}"
    return f"{waits}, the oldest for {humanize_duration(backlog.oldest_waiting)}"
