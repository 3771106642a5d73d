"""Tables of measured runs, for the terminal and in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from rich.table import Table

from bench.chart import Bar
from bench.contenders import Card, Run
from devstack.cards import DemoCard, Level
from devstack.comparison import compare_fields
from service.reading.documents.scoring import CONTRACT_FIELDS

_LEVELS: tuple[Level, Level] = ("flat", "photo")

COLUMNS = (
    *("way", "documents/s", "of bare engine", "right, flat", "right, photo"),
    *("CPU s/document", "servers' CPU s/document"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender's runs over the same cards, one a round; none where it could not be measured."""

    name: str
    runs: Sequence[Run]
    #: Why there are none.
    absence: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of one call of the bench."""

    title: str
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]


def aggregate(
    cards: Sequence[DemoCard],
    measured: Sequence[Measured],
    reference: Measured,
    duels: Sequence[tuple[Measured, Measured]],
    latencies: Sequence[float],
) -> Summary:
    """Put the numbers in rows; speeds are compared with ``reference``'s of the same round.

    Each of ``duels`` is told as how many times as fast the first is as the second.
    """
    return Summary(
        title=f"{len(cards)} cards, {len(reference.runs)} rounds, medians (least to most)",
        rows=[_row(cards, contender, reference) for contender in measured],
        notes=[
            *(_cpu_note(contender, reference) for contender in measured if _has_servers(contender)),
            *(_duel_note(one, other) for one, other in duels if one.runs and other.runs),
            _latency_note(latencies),
        ],
    )


def as_table(summary: Summary) -> Table:
    """The table for a terminal."""
    table = Table(title=summary.title, caption="\n".join(summary.notes), caption_justify="left")
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="right" if number else "left")
    for row in summary.rows:
        table.add_row(*row)
    return table


def as_markdown(summary: Summary, machine: Mapping[str, str]) -> str:
    """The same table in Markdown, with the machine it was measured on."""
    rows = [COLUMNS, ["---", *["---:"] * (len(COLUMNS) - 1)], *summary.rows]
    return "\n".join(
        [
            f"{summary.title}:\n",
            *(f"| {' | '.join(row)} |" for row in rows),
            *(f"\n{note}" for note in summary.notes),
            "\nMeasured on: " + ", ".join(f"{name} {value}" for name, value in machine.items()) + ".",
        ]
    )


def count_right(cards: Sequence[Card], run: Run, level: str) -> tuple[int, int]:
    """How many contract fields of the cards of one level were read as printed, and how many there are."""
    right = total = 0
    for card, read in zip(cards, run.fields, strict=True):
        if card.level == level:
            contract = [key for key in CONTRACT_FIELDS[card.document_type] if key in card.truth]
            truth = {key: card.truth[key] for key in contract}
            compared = compare_fields(truth, {key: read[key] for key in contract if key in read})
            right += sum(field.verdict == "right" for field in compared)
            total += len(contract)
    return right, total


def as_bars(cards: Sequence[DemoCard], measured: Sequence[Measured]) -> list[Bar]:
    """The contenders that ran, for the chart."""
    bars = []
    for contender in measured:
        if contender.runs:
            right, total = min(_total_right(cards, run) for run in contender.runs)
            rate = median(len(cards) / run.seconds for run in contender.runs)
            bars.append(Bar(contender.name, rate, f"{right / total:.1%} of fields right"))
    return bars


def _total_right(cards: Sequence[DemoCard], run: Run) -> tuple[int, int]:
    flat, photo = (count_right(cards, run, level) for level in _LEVELS)
    return flat[0] + photo[0], flat[1] + photo[1]


def _row(cards: Sequence[DemoCard], contender: Measured, reference: Measured) -> list[str]:
    if not contender.runs:
        return [contender.name, contender.absence, *[""] * (len(COLUMNS) - 2)]
    count = len(cards)
    # Pairs of one round were measured next to each other, so that noise hits both.
    shares = [
        theirs.seconds / ours.seconds for ours, theirs in zip(contender.runs, reference.runs, strict=True)
    ]
    return [
        contender.name,
        _spread([count / run.seconds for run in contender.runs], ".2f"),
        _spread(shares, ".0%") if contender is not reference else "",
        _worst(cards, contender.runs, "flat"),
        _worst(cards, contender.runs, "photo"),
        _spread([run.cpu_seconds / count for run in contender.runs], ".3f"),
        f"{median(run.other_cpu_seconds / count for run in contender.runs):.3f}"
        if _has_servers(contender)
        else "",
    ]


def _spread(values: Sequence[float], form: str) -> str:
    return f"{median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def _worst(cards: Sequence[DemoCard], runs: Sequence[Run], level: Level) -> str:
    right, total = min(count_right(cards, run, level) for run in runs)
    return f"{right} of {total}"


def _has_servers(contender: Measured) -> bool:
    return any(run.other_cpu_seconds for run in contender.runs)


def _cpu_note(contender: Measured, reference: Measured) -> str:
    """The share once more, from CPU time: what else the machine does hardly changes that."""
    own = median(run.cpu_seconds + run.other_cpu_seconds for run in contender.runs)
    share = median(run.cpu_seconds for run in reference.runs) / own
    return f"By CPU time, servers included: {contender.name}, {share:.0%} of {reference.name}."


def _duel_note(one: Measured, other: Measured) -> str:
    ratios = [theirs.seconds / ours.seconds for ours, theirs in zip(one.runs, other.runs, strict=True)]
    return f"Documents/s of {one.name}: {_spread(ratios, '.2f')} times those of {other.name}."


def _latency_note(latencies: Sequence[float]) -> str:
    ninety_fifth = quantiles(latencies, n=20, method="inclusive")[-1]
    return (
        f"From push to take on an idle worker: median {median(latencies):.2f} ms, "
        f"95th percentile {ninety_fifth:.2f} ms, worst {max(latencies):.2f} ms of {len(latencies)} pushes."
    )
