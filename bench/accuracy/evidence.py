"""What the decision rests on, card by card: the doubts about each field, whether it is right, and reasons."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.accuracy.former_decision import former_reasons
from bench.accuracy.readings import CardReading
from bench.accuracy.verdicts import normalised
from service.reading.documents.fields import DocumentType
from service.reading.documents.scoring import CONTRACT_FIELDS, confirmed_fields
from service.reading.estimates import KINDS, features, measure
from service.reading.reader import Judgement, cards_on, doubtful_lines, judge_pages, look_again


@dataclass(frozen=True, slots=True)
class FieldEvidence:
    """One contract field that was read."""

    key: str
    kind: str
    #: In the order of ``estimates.FEATURES``.
    doubts: tuple[float, ...]
    is_right: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """What the decision knows about a card."""

    fields: tuple[FieldEvidence, ...]
    #: Reasons for review other than uncertain fields.
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardEvidence:
    """One card."""

    level: str
    seed: int
    document_type: DocumentType
    #: As first read, and with the lines of all contract fields recognised twice.
    first: Sight
    second: Sight
    #: Reasons for review of the decision before.
    former: tuple[str, ...]


def evidence(cards: Iterable[CardReading]) -> Iterator[CardEvidence]:
    """Judge cards that the engine has read; refused files are left out."""
    for card in cards:
        if card.pages:
            yield _evidence(card)


def _evidence(card: CardReading) -> CardEvidence:
    pages = [shown for page in card.pages for shown in cards_on(page)]
    found = judge_pages(card.document_type, pages, min_probability=0.0)
    several = tuple(code for code in found.verdict.review_reasons if code in _OF_ALL_PAGES)
    first = _sight(card, found)
    lines = doubtful_lines(found, 1.0, 1.0)
    seen = look_again(pages, found.page, lines) if lines else pages
    return CardEvidence(
        level=card.level,
        seed=card.seed,
        document_type=card.document_type,
        first=first,
        second=_sight(card, judge_pages(card.document_type, seen, min_probability=0.0)) if lines else first,
        former=former_reasons(card.document_type, found.fields, found.page, several),
    )


def _sight(card: CardReading, found: Judgement) -> Sight:
    """Return what ``judge_pages`` found; without a limit only reasons remain that no estimate outweighs."""
    confirmed = confirmed_fields(card.document_type, found.fields)
    fields = []
    for key in CONTRACT_FIELDS[card.document_type]:
        field, truth = found.fields.get(key), normalised(key, card.truth.get(key, ""))
        if field is not None:
            doubts = features(key, field, measure(key, field, found.page), is_confirmed=key in confirmed)
            fields.append(FieldEvidence(key, KINDS[key], doubts, normalised(key, field.value) == truth))
    return Sight(tuple(fields), found.verdict.review_reasons)


#: Reasons that follow from all pages together.
_OF_ALL_PAGES = frozenset({"several_cards", "wrong_document_type", "unreadable", "npwp_nik_mismatch"})
