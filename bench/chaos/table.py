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
    #: Whether it could not be played on this machine.
    skipped: bool

    @property
    def verdict(self) -> str:
        """What the table says of its promises."""
        return "SKIPPED" if self.skipped else "BROKEN" if self.broken else "kept"


def as_table(rows: list[Row], run: str) -> Table:
    """For the terminal; ``run`` says the seed and the circumstances."""
    table = Table(title=f"Fault bench, {run}")
    for heading in ("scenario", "what happens", "figures"):
        table.add_column(heading)
    table.add_column("s", justify="right")
    table.add_column("promises")
    for row in rows:
        table.add_row(row.name, row.fault, "; ".join(row.figures), f"{row.seconds:.0f}", row.verdict)
    return table


def as_markdown(rows: list[Row], run: str) -> str:
    """For a page."""
    lines = [
        f"{run[0].upper()}{run[1:]}:",
        "",
        "| scenario | what happens | figures | promises |",
        "| --- | --- | --- | --- |",
    ]
    for row in rows:
        cells = (f"`{row.name}`", row.fault, "; ".join(row.figures), row.verdict.lower())
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
