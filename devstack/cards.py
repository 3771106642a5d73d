"""Invented cards: pictures as users upload them, with their true fields."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, TypeAlias

from devstack import degrade
from devstack.ktp import ktp_artwork, ktp_texts, ktp_truth
from devstack.npwp import NPWP_FORMS, NpwpForm, npwp_artwork, npwp_texts, npwp_truth
from devstack.people import Person, invent_person
from devstack.printing import print_card
from service.reading.documents.fields import DocumentType
from service.reading.documents.scoring import ReviewOutcome
from service.reading.ocr.engine import ColourImage

#: What happened to a card on its way: nothing, a scanner, a phone, a phone held wrong, or too much.
Level: TypeAlias = Literal["flat", "scan", "photo", "turned", "poor"]


@dataclass(frozen=True, slots=True)
class Card:
    """A card as printed."""

    name: str
    document_type: DocumentType
    #: ``printing.CARD_SIZE``, edge to edge.
    image: ColourImage
    #: What it says, by the contract's keys.
    truth: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DemoCard:
    """A file as a user uploads it, with its expected outcome."""

    name: str
    document_type: DocumentType
    level: Level
    filename: str
    content: bytes
    content_type: str
    truth: Mapping[str, str]
    expected_outcome: ReviewOutcome


@dataclass(frozen=True, slots=True)
class _Taking:
    """How a card becomes a file."""

    level: Level
    suffix: Literal["jpg", "png", "pdf"]
    encode: Callable[[ColourImage, random.Random], bytes]


@dataclass(frozen=True, slots=True)
class _Plan:
    """One card of the demo."""

    document_type: DocumentType
    taking: str
    form: NpwpForm = "classic"
    #: Print a birth date that the NIK denies.
    contradicts_itself: bool = False


def _turned_photo(card: ColourImage, rng: random.Random, degrees: int) -> bytes:
    return degrade.encode_jpeg(degrade.turned(degrade.photo(card, rng), degrees), 80)


def _sideways_with_note(card: ColourImage, rng: random.Random) -> bytes:
    """As phones store an upright picture: pixels as the sensor lay, and a note of how to turn them."""
    sensor = degrade.turned(degrade.photo(card, rng), 270)
    return degrade.encode_jpeg(sensor, 80, degrade.EXIF_TURN_CLOCKWISE)


#: Every taking, by the name that the card's file carries.
_TAKINGS: Mapping[str, _Taking] = {
    "flat": _Taking("flat", "jpg", lambda card, _: degrade.encode_jpeg(card)),
    "flat-png": _Taking("flat", "png", lambda card, _: degrade.encode_png(card)),
    "photo": _Taking("photo", "jpg", lambda card, rng: degrade.encode_jpeg(degrade.photo(card, rng), 80)),
    "photo-exif": _Taking("photo", "jpg", _sideways_with_note),
    "turned-90": _Taking("turned", "jpg", lambda card, rng: _turned_photo(card, rng, 90)),
    "turned-180": _Taking("turned", "jpg", lambda card, rng: _turned_photo(card, rng, 180)),
    "turned-270": _Taking("turned", "jpg", lambda card, rng: _turned_photo(card, rng, 270)),
    "scan": _Taking("scan", "pdf", lambda card, rng: degrade.encode_pdf(degrade.scan(card, rng))),
    "poor": _Taking("poor", "jpg", lambda card, rng: degrade.encode_jpeg(degrade.poor(card, rng), 60)),
}

_CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png", "pdf": "application/pdf"}

_DEMO: tuple[_Plan, ...] = (
    _Plan("KTP", "flat"),
    _Plan("KTP", "flat-png"),
    _Plan("NPWP", "flat"),
    _Plan("NPWP", "flat", "2024"),
    _Plan("KTP", "photo"),
    _Plan("KTP", "photo"),
    _Plan("KTP", "photo"),
    _Plan("KTP", "photo-exif"),
    _Plan("NPWP", "photo", "classic-nik"),
    _Plan("NPWP", "photo", "2024-nik"),
    _Plan("KTP", "turned-180"),
    _Plan("NPWP", "turned-90"),
    _Plan("KTP", "scan"),
    _Plan("NPWP", "scan", "classic-nik"),
    _Plan("KTP", "flat", contradicts_itself=True),
    _Plan("KTP", "poor"),
)


def demo_cards(seed: int) -> list[DemoCard]:
    """Return the sixteen uploads of the demo, at every level of quality."""
    return [_demo_card(seed, number, plan) for number, plan in enumerate(_DEMO, start=1)]


def sample_cards(seed: int, count: int, level: Level) -> list[DemoCard]:
    """Return ``count`` uploads of one level, KTP and NPWP in turn."""
    takings = [name for name, taking in _TAKINGS.items() if taking.level == level]
    plans = [
        _Plan(
            ("KTP", "NPWP")[number % 2],
            takings[number // 2 % len(takings)],
            NPWP_FORMS[number // 2 % len(NPWP_FORMS)],
        )
        for number in range(count)
    ]
    return [_demo_card(seed, number, plan) for number, plan in enumerate(plans, start=1)]


def invent_card(
    name: str, document_type: DocumentType, rng: random.Random, form: NpwpForm = "classic"
) -> Card:
    """Print a card of someone who does not exist; ``form`` is for an NPWP."""
    return _print(name, document_type, invent_person(rng), rng, form)


def render_ktp(person: Person, rng: random.Random) -> ColourImage:
    """Render ``person``'s identity card, edge to edge."""
    return print_card(ktp_artwork(person, rng), ktp_texts(person))


def render_npwp(person: Person, rng: random.Random, form: NpwpForm = "classic") -> ColourImage:
    """Render ``person``'s tax card, edge to edge."""
    return print_card(npwp_artwork(rng), npwp_texts(person, form))


def _demo_card(seed: int, number: int, plan: _Plan) -> DemoCard:
    taking = _TAKINGS[plan.taking]
    kind = "contradiction" if plan.contradicts_itself else plan.taking
    name = f"{plan.document_type.lower()}-{number:02}-{kind}"
    rng = random.Random(f"{seed}:{name}")
    person = invent_person(rng)
    if plan.contradicts_itself:
        person = replace(person, birth_date=person.birth_date - timedelta(days=40))
    card = _print(name, plan.document_type, person, rng, plan.form)
    for_a_person = plan.contradicts_itself or taking.level == "poor"
    return DemoCard(
        name=name,
        document_type=plan.document_type,
        level=taking.level,
        filename=f"{name}.{taking.suffix}",
        content=taking.encode(card.image, rng),
        content_type=_CONTENT_TYPES[taking.suffix],
        truth=card.truth,
        expected_outcome="pending_manual_review" if for_a_person else "auto_approved",
    )


def _print(
    name: str, document_type: DocumentType, person: Person, rng: random.Random, form: NpwpForm
) -> Card:
    if document_type == "KTP":
        return Card(name, "KTP", render_ktp(person, rng), ktp_truth(person))
    return Card(name, "NPWP", render_npwp(person, rng, form), npwp_truth(person, form))
