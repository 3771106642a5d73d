"""`make decision`: what the decision is worth on cards that neither fitted nor chose it."""

import argparse
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.accuracy.curve import Point, as_svg
from bench.accuracy.evidence import CardEvidence, FieldEvidence, evidence
from bench.accuracy.levels import LEVELS, MUST_REVIEW
from bench.accuracy.readings import CACHE, readings
from bench.accuracy.seeds import JUDGED_FROM, Card
from bench.markdown import replace_block
from service.reading.documents.scoring import CONTRACT_FIELDS
from service.reading.estimates import coefficients, probability
from service.reading.reader import SURE_CARD, SURE_FIELD
from service.settings import MIN_PROBABILITY

#: Cards of a level.
CARDS = 100

#: Limits between the bins of the reliability table.
BINS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 1.0)

#: Limits of the curve.
LIMITS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995)

#: Where the curve is drawn.
CURVE = Path("docs/accuracy/risk-coverage.svg")


@dataclass(frozen=True, slots=True)
class Judged:
    """A card with what the decision rests on."""

    card: CardEvidence
    #: Contract fields that were read, and the estimate of each.
    fields: tuple[FieldEvidence, ...]
    estimates: tuple[float, ...]
    #: Reasons for review other than uncertain fields.
    reasons: tuple[str, ...]

    @property
    def is_all_right(self) -> bool:
        """Whether every contract field was read as printed."""
        right = sum(field.is_right for field in self.fields)
        return right == len(CONTRACT_FIELDS[self.card.document_type])

    @property
    def wrong(self) -> set[str]:
        """Contract fields that were read, and read wrong."""
        return {field.key for field in self.fields if not field.is_right}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision makes of some cards; counts of cards."""

    cards: int
    #: With every contract field right, and those of them that are approved.
    right: int
    right_approved: int
    approved: int
    #: Approved ones with a wrong contract field, and with a wrong number or name among them.
    wrong: int
    wrong_number_or_name: int

    @property
    def coverage(self) -> float:
        """Share of the right cards that is approved."""
        return self.right_approved / max(1, self.right)

    @property
    def risk(self) -> float:
        """Share of the approved cards that is wrong."""
        return self.wrong / max(1, self.approved)


def main() -> int:
    """Print the tables; returns 1 where an approved card is wrong in its number or name."""
    options = _options()
    jobs: list[Card] = [
        (level, options.seed + index)
        for index in range(options.cards)
        for level in options.levels or LEVELS
        if level not in MUST_REVIEW
    ]
    read = evidence(readings(jobs, options.cache, options.processes, kept=options.kept))
    cards = [judged(card, coefficients()) for card in read]
    curve = [(limit, decide(cards, limit)) for limit in LIMITS]
    markdown = "\n\n".join(
        (
            f"{len(cards)} cards, seeds from {options.seed} on, limit {MIN_PROBABILITY:g}:",
            _level_table(cards),
            "What the estimates of fields are worth on these cards:",
            _reliability_table(cards),
            "Other limits on the same cards:",
            curve_table(curve),
        )
    )
    print(markdown)
    if options.markdown:
        replace_block(options.markdown, "decision", markdown)
        points = [Point(limit, outcome.coverage, outcome.risk) for limit, outcome in curve]
        CURVE.write_text(as_svg(points, MIN_PROBABILITY), encoding="utf-8")
    return int(decide(cards, MIN_PROBABILITY).wrong_number_or_name > 0)


def judged(card: CardEvidence, models: Mapping[str, Sequence[float]]) -> Judged:
    """Estimate the fields of a card, the doubtful ones after a second look, as ``read_document`` does."""
    first = [_estimate(field, models) for field in card.first.fields]
    if math.prod(first) >= SURE_CARD:
        return Judged(card, card.first.fields, tuple(first), card.first.reasons)
    seen = {field.key: field for field in card.second.fields}
    fields = tuple(
        seen.get(field.key, field) if estimate < SURE_FIELD else field
        for field, estimate in zip(card.first.fields, first, strict=True)
    )
    return Judged(card, fields, tuple(_estimate(field, models) for field in fields), card.second.reasons)


def _estimate(field: FieldEvidence, models: Mapping[str, Sequence[float]]) -> float:
    return probability(models[field.kind], field.doubts)


def decide(cards: Sequence[Judged], limit: float) -> Outcome:
    """Approve the cards whose contract fields are probably right, and that nothing else speaks against."""
    return _outcome((card, not card.reasons and math.prod(card.estimates) >= limit) for card in cards)


def decide_as_before(cards: Sequence[Judged]) -> Outcome:
    """Approve the cards that the decision before would have approved."""
    return _outcome((card, not card.card.former) for card in cards)


def _outcome(decisions: Iterable[tuple[Judged, bool]]) -> Outcome:
    cards = list(decisions)
    approved = [card for card, is_approved in cards if is_approved]
    return Outcome(
        cards=len(cards),
        right=sum(card.is_all_right for card, _ in cards),
        right_approved=sum(card.is_all_right for card in approved),
        approved=len(approved),
        wrong=sum(bool(card.wrong) for card in approved),
        wrong_number_or_name=sum(bool({"nik", "npwpNumber", "name"} & card.wrong) for card in approved),
    )


def _level_table(cards: Sequence[Judged]) -> str:
    by_level: dict[str, list[Judged]] = {}
    for card in cards:
        by_level.setdefault(card.card.level, []).append(card)
    lines = [
        "| level | cards | all right | approved | before | approved wrong: number or name, any | before |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for level, own in {**by_level, "all": cards}.items():
        now, before = decide(own, MIN_PROBABILITY), decide_as_before(own)
        lines.append(
            f"| {level} | {now.cards} | {now.right} | {now.coverage:.1%} | {before.coverage:.1%} "
            f"| {now.wrong_number_or_name}, {now.wrong} of {now.approved} "
            f"| {before.wrong_number_or_name}, {before.wrong} of {before.approved} |"
        )
    return "\n".join(lines)


def _reliability_table(cards: Sequence[Judged]) -> str:
    fields = [
        (estimate, field.is_right)
        for card in cards
        for field, estimate in zip(card.fields, card.estimates, strict=True)
    ]
    lines = ["| estimate | fields | mean estimate | right | wrong |", "| --- | ---: | ---: | ---: | ---: |"]
    for low, high in pairwise(BINS):
        own = [(estimate, is_right) for estimate, is_right in fields if low <= estimate < high]
        if own:
            mean = sum(estimate for estimate, _ in own) / len(own)
            wrong = sum(not is_right for _, is_right in own)
            share = 1 - wrong / len(own)
            lines.append(f"| {low:g} to {high:g} | {len(own)} | {mean:.2%} | {share:.2%} | {wrong} |")
    return "\n".join(lines)


def curve_table(curve: Sequence[tuple[float, Outcome]]) -> str:
    """Return coverage and risk of limits as a Markdown table."""
    lines = [
        "| limit | right cards approved | approved | of these wrong: number or name, any |",
        "| ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {limit:g} | {outcome.coverage:.1%} | {outcome.approved} "
        f"| {outcome.wrong_number_or_name}, {outcome.wrong} |"
        for limit, outcome in curve
    ]
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy.decision", description=__doc__)
    parser.add_argument("--cards", type=int, default=CARDS, help="cards of each level")
    parser.add_argument("--seed", type=int, default=JUDGED_FROM, help="the first card's")
    parser.add_argument("--levels", nargs="+", choices=LEVELS, help="default: all")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of readings")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--kept", action="store_true", help="only use readings that are there")
    parser.add_argument("--markdown", type=Path, help="page with marks to put the tables into")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
