"""What the decision rests on, card by card: the doubts about each field, whether it is right, and reasons."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.accuracy.former_decision import former_reasons
from bench.accuracy.readings import CardReading
from bench.accuracy.verdicts import normalised
from service.reading.documents.fields import DocumentType
from service.reading.documents.scoring import CONTRACT_FIELDS, confirmed_fields
from service.reading.estimates import KINDS, features, measure
from service.reading.reader import cards_on, judge_pages


@dataclass(frozen=True, slots=True)
class FieldEvidence:
    """One contract field that was read."""

    key: str
    kind: str
    #: In the order of ``estimates.FEATURES``.
    doubts: tuple[float, ...]
    is_right: bool


@dataclass(frozen=True, slots=True)
class CardEvidence:
    """One card."""

    level: str
    seed: int
    document_type: DocumentType
    fields: tuple[FieldEvidence, ...]
    #: Whether every contract field was read as printed.
    is_all_right: bool
    #: Reasons for review other than uncertain fields.
    reasons: tuple[str, ...]
    #: Reasons for review of the decision before.
    former: tuple[str, ...]

    @property
    def wrong(self) -> tuple[str, ...]:
        """Contract fields that were read, and read wrong."""
        return tuple(field.key for field in self.fields if not field.is_right)


def evidence(cards: Iterable[CardReading]) -> Iterator[CardEvidence]:
    """Judge cards that the engine has read; refused files are left out."""
    for card in cards:
        if card.pages:
            yield _evidence(card)


def _evidence(card: CardReading) -> CardEvidence:
    # Without a limit only the reasons remain that no estimate outweighs.
    pages = [shown for page in card.pages for shown in cards_on(page)]
    found = judge_pages(card.document_type, pages, min_probability=0.0)
    confirmed = confirmed_fields(card.document_type, found.fields)
    fields, right = [], 0
    for key in CONTRACT_FIELDS[card.document_type]:
        field, truth = found.fields.get(key), normalised(key, card.truth.get(key, ""))
        if field is None:
            continue
        doubts = features(key, field, measure(key, field, found.page), is_confirmed=key in confirmed)
        is_right = normalised(key, field.value) == truth
        right += is_right
        fields.append(FieldEvidence(key, KINDS[key], doubts, is_right))
    several = tuple(code for code in found.verdict.review_reasons if code in _OF_ALL_PAGES)
    return CardEvidence(
        level=card.level,
        seed=card.seed,
        document_type=card.document_type,
        fields=tuple(fields),
        is_all_right=right == len(CONTRACT_FIELDS[card.document_type]),
        reasons=found.verdict.review_reasons,
        former=former_reasons(card.document_type, found.fields, found.page, several),
    )


#: Reasons that follow from all pages together.
_OF_ALL_PAGES = frozenset({"several_cards", "wrong_document_type", "unreadable", "npwp_nik_mismatch"})
