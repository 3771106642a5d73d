"""Problems that PostgreSQL knows of: results and reviews that wait, documents that failed."""

from collections.abc import Iterator, Mapping, Sequence

from service.monitoring.backlog import OutboxBacklog
from service.monitoring.formatting import agree, humanize_duration, pluralize
from service.monitoring.heartbeat import WorkerState
from service.monitoring.problems.problem import Problem
from service.monitoring.status import LATELY, Records

#: Failures in the last minutes that are too many, and their share: the limits of the alarm on errors.
MIN_FAILURES, FAILURE_SHARE = 2, 0.10

#: Causes of failures that one sentence names.
MAX_CAUSES = 3

#: s for which a result or a review may stay undelivered.
RESULT_TIMEOUT, REVIEW_TIMEOUT = 90, 120


def record_problems(records: Records, running: Sequence[WorkerState]) -> Iterator[Problem]:
    """Yield the problems of results, reviews and failures; ``running`` workers know why reviews wait."""
    yield from _obstacles(records)
    yield from _results(records)
    yield from undelivered_reviews(records.outbox_backlog, running)
    for check in (_failures, _given_up, _dead):
        yield from check(records)


def _obstacles(records: Records) -> Iterator[Problem]:
    for obstacle in records.obstacles:
        yield Problem(
            "down",
            f"PostgreSQL cannot be used: {obstacle}.",
            "Fix that in PostgreSQL; the workers resume by themselves and nothing is lost.",
            "filot-ocr doctor",
        )


def _results(records: Records) -> Iterator[Problem]:
    number, age = records.outbox_backlog.undelivered["result"]
    if age > RESULT_TIMEOUT:
        yield Problem(
            "down",
            f"{pluralize(number, 'result')} {agree(number, 'is', 'are')} stored but not published, the "
            f"oldest for {humanize_duration(age)}.",
            "Check whether Redis accepts PUBLISH; any worker catches up by itself.",
            "filot-ocr doctor",
        )


def undelivered_reviews(backlog: OutboxBacklog, running: Sequence[WorkerState]) -> Iterator[Problem]:
    """Yield the problem that reviews wait though they were requested, or wait for long, if they do.

    Parameters:
        running: workers, of which those that request reviews know what the service answered
    """
    number, age = backlog.undelivered["review"]
    if backlog.refused or age > REVIEW_TIMEOUT:
        failures = {state.review_failure: state.review_remedy for state in running if state.review_failure}
        reasons = f": {'; '.join(sorted(failures))}" if failures else ""
        remedies = "; ".join(sorted(set(failures.values()))) or "check whether BULI2 answers"
        yield Problem(
            "warn",
            f"The review service has not accepted {pluralize(number, 'review')}, the oldest for "
            f"{humanize_duration(age)}{reasons}.",
            f"{remedies[:1].upper()}{remedies[1:]}; each review is requested again for about a day.",
            "filot-ocr doctor",
        )


def _failures(records: Records) -> Iterator[Problem]:
    lately = records.minutes[-LATELY:]
    failed, finished = sum(each.failed for each in lately), sum(each.finished for each in lately)
    if failed >= MIN_FAILURES and failed > FAILURE_SHARE * finished:
        yield Problem(
            "warn",
            f"{failed:,} of {pluralize(finished, 'document')} failed in the last {LATELY} minutes"
            f"{_causes(records.causes, failed)}.",
            "See what their users were told: a bad upload fails alone, a broken engine fails all.",
            "filot-ocr failed list",
        )


def _causes(causes: Mapping[str, int], failed: int) -> str:
    """Name the most frequent causes, each with its own count, so that none stands for all."""
    named = list(causes.items())[:MAX_CAUSES]
    others = failed - sum(number for _, number in named)
    parts = [f"{code} ({number:,})" for code, number in named]
    if parts and others > 0:
        parts.append(f"others ({others:,})")
    return f": {', '.join(parts)}" if parts else ""


def _given_up(records: Records) -> Iterator[Problem]:
    given_up = records.outbox_backlog.given_up
    if given_up:
        yield Problem(
            "warn",
            f"{pluralize(given_up, 'review')} {agree(given_up, 'was', 'were')} given up: nobody has been "
            f"asked to look at {agree(given_up, 'this document', 'these documents')}.",
            "Once BULI2 answers, request them again.",
            "filot-ocr requeue --reviews",
        )


def _dead(records: Records) -> Iterator[Problem]:
    dead = records.outbox_backlog.dead
    if dead:
        yield Problem(
            "warn",
            f"{pluralize(dead, 'job')} used up {agree(dead, 'its', 'their')} attempts.",
            "Find the cause, then queue the documents again or drop the jobs.",
            "filot-ocr dead list",
        )
