"""What is wrong with the pipeline and what to do about it: one sentence each, the worst first."""

from service.monitoring.formatting import pluralize
from service.monitoring.problems.problem import Level, Problem
from service.monitoring.problems.records import record_problems, undelivered_reviews
from service.monitoring.problems.servers import server_problems
from service.monitoring.problems.traffic import traffic_problems, unresponsive_workers
from service.monitoring.status import Status
from service.settings import Settings

__all__ = ["Level", "Problem", "find_problems", "healthy_summary", "undelivered_reviews"]


def find_problems(status: Status, settings: Settings) -> list[Problem]:
    """List everything that is wrong, the worst first."""
    found = list(server_problems(status))
    if status.traffic is not None:
        found += traffic_problems(status.traffic, status.records, settings)
    if status.records is not None:
        workers = status.traffic.workers if status.traffic else []
        found += record_problems(status.records, [each.state for each in workers if each.state is not None])
    if status.traffic is not None:
        # Last of all: its jobs have returned to the queue by themselves.
        found += unresponsive_workers(status.traffic.workers)
    return sorted(found, key=lambda problem: problem.level != "down")


def healthy_summary(status: Status) -> str:
    """Summarise a status without problems in one sentence."""
    if status.traffic is None or status.records is None:
        return "All is well."
    waiting = status.traffic.backlog.waiting
    running = sum(each.state is not None for each in status.traffic.workers)
    queue = pluralize(waiting, "document") if waiting else "no documents"
    finished = f"{status.records.hour.finished:,}"
    return (
        f"All is well: {pluralize(running, 'worker')}, {queue} waiting, {finished} finished in the last hour."
    )
