"""The bench's results as a table, on the terminal and in a page between two markers."""

from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one scenario."""

    name: str
    fault: str
    figures: tuple[str, ...]
    broken: tuple[str, ...]
    #: How long it took.
    seconds: float


def as_table(rows: list[Row], seed: int) -> Table:
    """For the terminal."""
    table = Table(title=f"Fault bench, seed {seed}")
    for heading in ("scenario", "what happens", "figures"):
        table.add_column(heading)
    table.add_column("s", justify="right")
    table.add_column("promises")
    for row in rows:
        verdict = "BROKEN" if row.broken else "kept"
        table.add_row(row.name, row.fault, "; ".join(row.figures), f"{row.seconds:.0f}", verdict)
    return table


def as_markdown(rows: list[Row], seed: int) -> str:
    """For a page."""
    lines = [
        f"Seed {seed}:",
        "",
        "| scenario | what happens | figures | promises |",
        "| --- | --- | --- | --- |",
    ]
    for row in rows:
        cells = (f"`{row.name}`", row.fault, "; ".join(row.figures), "broken" if row.broken else "kept")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
