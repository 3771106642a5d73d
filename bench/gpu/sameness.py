"""Compares texts and fields read on the GPU with those read on the CPU."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.gpu.runs import CardText


@dataclass(frozen=True, slots=True)
class Sameness:
    """Numbers of cards that agree."""

    cards: int
    #: Every line, character by character.
    same_text: int
    #: The same when blanks do not count.
    same_but_blanks: int
    #: Every field's value.
    same_fields: int
    lines: int
    #: Lines of the CPU's that are not among the other's, blanks not counted.
    other_lines: int


def compare(ours: Sequence[CardText], cpus: Sequence[CardText]) -> Sameness:
    """Compare card by card."""
    pairs = list(zip(ours, cpus, strict=True))
    missing = [Counter(_lines(cpu)) - Counter(_lines(our)) for our, cpu in pairs]
    return Sameness(
        cards=len(pairs),
        same_text=sum(our.text == cpu.text for our, cpu in pairs),
        same_but_blanks=sum(_lines(our) == _lines(cpu) for our, cpu in pairs),
        same_fields=sum(our.fields == cpu.fields for our, cpu in pairs),
        lines=sum(len(_lines(cpu)) for _, cpu in pairs),
        other_lines=sum(lines.total() for lines in missing),
    )


def _lines(card: CardText) -> list[str]:
    return [line.replace(" ", "") for line in card.text.split("\n")]
