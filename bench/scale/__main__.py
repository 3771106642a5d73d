"""`make bench-scale`: measures the pipeline around the reading, and simulates days of arrivals."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.machine import describe_machine
from bench.markdown import replace_block
from bench.measured import cpu_documents_a_second
from bench.scale import day
from bench.scale.pipeline import Measured, measure

WORKERS, BACKLOGS = (1, 2, 8, 32), (100, 10_000)

#: s for which each combination is counted.
SECONDS = 5.0

#: Facts about the machine that this bench depends on.
FACTS = ("processor", "cores", "memory", "system", "load average before", "Python", "dramatiq", "redis")

COLUMNS = (
    *("workers", "waiting", "documents/s", "Redis: sent", "run", "bytes in", "bytes out"),
    *("PostgreSQL: transactions", "round trips", "connections"),
    *("CPU ms: workers", "Redis", "PostgreSQL"),
)


def main() -> None:
    """Measure, simulate, print both tables, and write them into a Markdown file where one is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--backlogs", type=int, nargs="+", default=BACKLOGS, help="documents that wait")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    parser.add_argument("--markdown", type=Path, help="replace the tables between the marks in this file")
    arguments = parser.parse_args()
    machine = describe_machine()
    found, idle = measure(arguments.workers, arguments.backlogs, arguments.seconds)
    rate = cpu_documents_a_second()
    text = "\n\n".join(
        (
            as_markdown(found),
            of_idle_workers(idle),
            f"Measured on: {', '.join(f'{name} {machine[name]}' for name in FACTS)}.",
            f"A day of documents for workers that read {rate} documents/s each, as many as let 95 of 100 "
            f"wait {day.AIM:.0f} s at most:",
            day.as_markdown([day.needed(documents, rate) for documents in day.DAYS]),
        )
    )
    Console().print(text, markup=False, highlight=False, soft_wrap=True)
    if arguments.markdown:
        replace_block(arguments.markdown, "scale", text)


def as_markdown(found: Sequence[Measured]) -> str:
    """The table; all but the first three columns and the connections are for one document."""
    rows: list[tuple[str, ...]] = [COLUMNS, ("---:",) * len(COLUMNS)]
    for each in found:
        counts = each.counts
        rows.append(
            (
                f"{each.workers}",
                f"{each.backlog:,}",
                f"{each.documents_a_second:.0f}",
                *(f"{each.per_document(count):.1f}" for count in (counts.commands_sent, counts.commands_run)),
                *(f"{each.per_document(count):,.0f}" for count in (counts.bytes_in, counts.bytes_out)),
                *(f"{each.per_document(count):.1f}" for count in (counts.transactions, counts.round_trips)),
                f"{each.connections}",
                *(
                    f"{1000 * each.per_document(seconds):.2f}"
                    for seconds in (counts.worker_cpu, counts.redis_cpu, counts.postgres_cpu)
                ),
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def of_idle_workers(idle: Measured) -> str:
    """A sentence on what a worker costs that has nothing to do."""
    counts = idle.counts
    share = idle.workers * counts.seconds
    return (
        f"Of {idle.workers} idle workers, each sends Redis {counts.commands_sent / share:.1f} commands and "
        f"PostgreSQL {counts.round_trips / share:.1f} queries in a second, and costs "
        f"{1000 * counts.worker_cpu / share:.1f} ms of CPU time itself, "
        f"{1000 * counts.redis_cpu / share:.1f} of Redis' and "
        f"{1000 * counts.postgres_cpu / share:.1f} of PostgreSQL's."
    )


if __name__ == "__main__":
    main()
