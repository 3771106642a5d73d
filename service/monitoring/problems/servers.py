"""Problems of Redis and PostgreSQL themselves: they are away, or refuse the login."""

from collections.abc import Iterator

from service.monitoring.problems.problem import Problem
from service.monitoring.status import Status
from service.store.server_problems import REFUSED_LOGINS, unusable


def server_problems(status: Status) -> Iterator[Problem]:
    """Yield the problem of each server that could not be asked."""
    if status.traffic is None:
        yield _unusable(
            "Redis",
            status.redis_problem,
            status.redis_advice,
            "no documents are taken, no results are published",
        )
    if status.records is None and status.database_problem:
        yield _unusable(
            "PostgreSQL", status.database_problem, status.database_advice, "no documents are processed"
        )


def _unusable(server: str, problem: str, advice: str, consequence: str) -> Problem:
    advice = advice or f"restore {server}"
    remedy = f"{advice[:1].upper()}{advice[1:]}"
    if problem in REFUSED_LOGINS:
        # The settings of whoever asks are wrong: of a command, those of its shell.
        return Problem(
            "down",
            f"{unusable(server, problem)}.",
            f"{remedy}. Only what runs with this setting is affected.",
            "filot-ocr doctor",
        )
    return Problem(
        "down",
        f"{server} is unavailable ({problem}): {consequence}.",
        f"{remedy}; the workers resume by themselves and nothing is lost.",
        "filot-ocr doctor",
    )
