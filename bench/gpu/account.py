"""Tables of GPU runs: speed by batch limit and threads, time by stage, sameness with the CPU."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from bench.gpu.runs import STAGES, Run
from bench.gpu.sameness import Sameness

COLUMNS = (
    *("batch", "threads", "cards/s", "p50 ms", "p95 ms", "GPU busy", "in the runtime", "GPU MiB"),
    *("inputs a batch", "CPU ms/card"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run with its setting; on the CPU there is no batch."""

    most: int | None
    threads: int
    run: Run


def as_row(measured: Measured) -> list[str]:
    """Return the cells of one run."""
    run, work = measured.run, measured.run.work
    cards = len(run.latencies)
    on_gpu = measured.most is not None
    batches = sum(work.batches.values())
    return [
        str(measured.most) if on_gpu else "CPU",
        str(measured.threads),
        f"{cards / run.seconds:.1f}",
        f"{run.percentile(50) * 1000:.0f}",
        f"{run.percentile(95) * 1000:.0f}",
        f"{run.gauge.busy:.0%}" if on_gpu else "",
        f"{sum(work.seconds.values()) / run.seconds:.0%}" if on_gpu else "",
        f"{run.gauge.most_memory / 2**20:.0f}" if on_gpu else "",
        f"{sum(work.inputs.values()) / batches:.1f}" if batches else "",
        f"{run.cpu_seconds / cards * 1000:.0f}",
    ]


def as_table(rows: Sequence[Measured]) -> Table:
    """Return the table for a terminal."""
    table = Table(title=f"{len(rows[0].run.latencies)} cards a run")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for measured in rows:
        table.add_row(*as_row(measured))
    return table


def as_markdown(rows: Sequence[Measured], sentences: Sequence[str]) -> str:
    """Return the table in Markdown, with sentences about cost, sameness and memory."""
    cells = [COLUMNS, ["---:"] * len(COLUMNS), *map(as_row, rows)]
    return "\n".join([*(f"| {' | '.join(row)} |" for row in cells), *(f"\n{each}" for each in sentences)])


def cost_split(measured: Measured) -> str:
    """Return a sentence about the time of a card by stage."""
    cards = len(measured.run.latencies)
    stages = ", ".join(f"{name} {measured.run.stages[name] / cards * 1000:.1f}" for name in STAGES)
    networks = ", ".join(
        f"{name} {seconds / cards * 1000:.2f}" for name, seconds in measured.run.work.seconds.items()
    )
    return (
        f"Cost of a card at batch {measured.most} and {measured.threads} threads, ms: {stages} of wall time "
        f"in its own thread; of that in the runtime's calls, shared by all: {networks}."
    )


def sameness_sentence(other: str, same: Sameness) -> str:
    """Return a sentence about how many texts are the same."""
    return (
        f"Against {other}, on {same.cards} cards: {same.same_fields} with every field the same, "
        f"{same.same_text} with the same text, {same.same_but_blanks} with the same text but for blanks; "
        f"{same.other_lines} of {same.lines} lines differ in more than blanks."
    )


def memory_sentence(run: Run) -> str:
    """Return a sentence about the GPU's memory over a long run."""
    tenth, end = (run.gauge.memory_at(share) / 2**20 for share in (0.1, 1.0))
    return (
        f"GPU memory over {len(run.latencies)} cards: {tenth:.0f} MiB after a tenth, {end:.0f} MiB at the "
        f"end, {run.gauge.most_memory / 2**20:.0f} MiB at most."
    )
