"""From verdicts on cards to figures by engine and level."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.accuracy.readers import EngineName
from bench.accuracy.verdicts import CardVerdict, edits


@dataclass(frozen=True, slots=True)
class Wrongs:
    """How many cards of a kind hold something that was read wrong; a field left out is not wrong."""

    number: int
    name: int
    #: Any contract field, the two above included.
    any: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One engine's figures on one level; counts are of cards unless they say otherwise."""

    engine: EngineName
    level: str
    cards: int
    #: Contract fields: all that are printed, and those read right.
    fields: int
    fields_right: int
    cards_right: int
    #: Characters of all contract fields, and edits from what was read to what is printed.
    characters: int
    edits: int
    #: Printed and right by key, the fields beyond the contract as well where the engine looks for them.
    by_field: Mapping[str, tuple[int, int]]
    approved: int
    approved_wrong: Wrongs
    #: Approved with a contract field left out, and none wrong.
    approved_incomplete: int
    #: Sent to a person, and those of them with every contract field right.
    review: int
    review_right: int
    refused: int
    #: Reasons for review and refusal; one card can have several.
    reasons: Mapping[str, int]
    cpu_seconds: float
    #: Files that must go to a person, and those of them that did so with the right reason.
    must_review: int = 0
    reviewed: int = 0

    @property
    def share_right(self) -> float:
        """Share of contract fields read right."""
        return self.fields_right / self.fields

    @property
    def character_error_rate(self) -> float:
        """Edits for each printed character of the contract fields."""
        return self.edits / self.characters


def aggregate(verdicts: Sequence[CardVerdict]) -> list[Summary]:
    """One summary for each engine and level that occurs, in the order of their first card."""
    groups: dict[tuple[EngineName, str], list[CardVerdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.engine, verdict.level), []).append(verdict)
    return [_summary(engine, level, group) for (engine, level), group in groups.items()]


def as_json(summaries: Sequence[Summary], verdicts: Sequence[CardVerdict]) -> dict[str, Any]:
    """All figures, and every card."""
    return {
        "summaries": [asdict(summary) for summary in summaries],
        "cards": [
            asdict(verdict)
            | {"fields": [asdict(field) | {"verdict": field.verdict} for field in verdict.fields]}
            for verdict in verdicts
        ],
    }


def _summary(engine: EngineName, level: str, cards: Sequence[CardVerdict]) -> Summary:
    fields = [field for card in cards for field in card.contract]
    approved = [card for card in cards if card.fate == "approved"]
    review = [card for card in cards if card.fate == "review"]
    wrongs = _wrongs(approved)
    return Summary(
        engine=engine,
        level=level,
        cards=len(cards),
        fields=len(fields),
        fields_right=sum(field.verdict == "right" for field in fields),
        cards_right=sum(card.is_all_right for card in cards),
        characters=sum(len(field.truth or "") for field in fields),
        edits=sum(map(edits, fields)),
        by_field=_by_field(cards),
        approved=len(approved),
        approved_wrong=wrongs,
        approved_incomplete=sum(not card.is_all_right for card in approved) - wrongs.any,
        review=len(review),
        review_right=sum(card.is_all_right for card in review),
        refused=sum(card.fate == "refused" for card in cards),
        reasons=dict(Counter(reason for card in cards for reason in card.reasons)),
        cpu_seconds=sum(card.cpu_seconds for card in cards) / len(cards),
        must_review=sum(card.must_review is not None for card in cards),
        reviewed=sum(card.must_review in card.reasons for card in review if card.must_review),
    )


def _wrongs(cards: Sequence[CardVerdict]) -> Wrongs:
    return Wrongs(
        number=sum(card.has_wrong_number for card in cards),
        name=sum(card.is_wrong("name") for card in cards),
        any=sum(any(field.verdict == "wrong" for field in card.contract) for card in cards),
    )


def _by_field(cards: Sequence[CardVerdict]) -> dict[str, tuple[int, int]]:
    tallies: dict[str, tuple[int, int]] = {}
    for card in cards:
        # The plain way looks for no other fields.
        for field in card.contract if card.engine == "plain" else card.fields:
            # A NIK or an address on an NPWP is beyond the contract, on a KTP it is not.
            is_added = card.document_type == "NPWP" and field not in card.contract
            name = f"{field.key} (NPWP)" if is_added else field.key
            printed, right = tallies.get(name, (0, 0))
            tallies[name] = (printed + 1, right + (field.verdict == "right"))
    return tallies
