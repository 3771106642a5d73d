"""Invented cards by seed: each is a file as it would be sent, what it says, and where on it that stands."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.accuracy.levels import LIFELIKE, MUST_REVIEW, Level, take
from bench.accuracy.pairs import together
from bench.accuracy.taken import Taken
from devstack.camera import map_points
from devstack.ktp import draw_ktp_design, ktp_artwork, ktp_texts, ktp_truth
from devstack.npwp import NPWP_FORMS, draw_npwp_design, npwp_artwork, npwp_texts, npwp_truth
from devstack.people import Person, invent_person
from devstack.printing import field_boxes, print_large
from devstack.variations import draw_word_space, make_foreign, make_foreign_design, vary_design, vary_person
from service.reading.documents.fields import DocumentType
from service.reading.ocr.engine import ColourImage
from service.reading.ocr.geometry import Quad

#: The first of the seeds that nothing is tuned on; those below are for development.
HELD_OUT_FROM = 1_000_000

#: The first of those that `make accuracy` reads. What earlier ones showed has led to changes since.
UNSEEN_FROM = 10_800_000

#: One card in so many is an NPWP, the others are KTPs.
_NPWP_EVERY = 4

#: Card pixels around a field that its cut-out shows as well.
_MARGIN = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """One file and the truth about it."""

    name: str
    level: str
    document_type: DocumentType
    content: bytes
    #: By the contract's keys.
    truth: Mapping[str, str]
    #: What the file shows, its pixels as they are stored; None where nobody knows where fields stand.
    shown: ColourImage | None
    #: Where in ``shown`` each field stands, clockwise from the text's top left.
    places: Mapping[str, Quad]
    #: Reason for review that the worker must give; such a file must never be approved.
    must_review: str | None = None


def invent_sample(level: Level, seed: int) -> Sample:
    """The card with this seed; the same seed is another person's card on another level."""
    rng = random.Random(f"{seed}:{level}")
    if level == "pair":
        return _pair(seed, rng)
    if level == "couple":
        return _couple(seed, rng)
    if level != "foreigner" and seed % _NPWP_EVERY == _NPWP_EVERY - 1:
        card = _npwp(_person(level, rng), rng, lifelike=level in LIFELIKE)
    else:
        card = _ktp(_person(level, rng), rng, level)
    return _sample(level, seed, card, take(card.image, level, rng))


@dataclass(frozen=True, slots=True)
class _Printed:
    """A card as printed, edge to edge."""

    document_type: DocumentType
    image: ColourImage
    truth: Mapping[str, str]
    #: Left, top, right and bottom of each field in card pixels.
    boxes: Mapping[str, tuple[float, float, float, float]]


def _person(level: Level, rng: random.Random) -> Person:
    person = invent_person(rng)
    if level == "foreigner":
        return make_foreign(person, rng)
    return vary_person(person, rng) if level in LIFELIKE else person


def _ktp(person: Person, rng: random.Random, level: Level) -> _Printed:
    design = draw_ktp_design(rng, expires=person.valid_until != "SEUMUR HIDUP")
    if level in LIFELIKE:
        design = vary_design(design, rng)
    if level == "foreigner":
        design = make_foreign_design(design, rng)
    texts = list(ktp_texts(person, design))
    image = print_large(ktp_artwork(person, rng, design), texts)
    return _Printed("KTP", image, ktp_truth(person), field_boxes(texts))


def _npwp(person: Person, rng: random.Random, *, lifelike: bool) -> _Printed:
    form = rng.choice(NPWP_FORMS)
    design = draw_npwp_design(rng)
    texts = list(npwp_texts(person, form, design))
    if lifelike:
        space = draw_word_space(rng, design.family)
        texts = [replace(text, word_space=space) for text in texts]
    image = print_large(npwp_artwork(rng, design), texts)
    return _Printed("NPWP", image, npwp_truth(person, form), field_boxes(texts))


def _pair(seed: int, rng: random.Random) -> Sample:
    """KTP and NPWP of one person in one file, either of which may be asked for; the other one agrees."""
    person = _person("pair", rng)
    cards = [_ktp(person, rng, "pair"), _npwp(person, rng, lifelike=True)]
    asked = cards[seed % _NPWP_EVERY == _NPWP_EVERY - 1]
    rng.shuffle(cards)
    return _sample("pair", seed, asked, together([card.image for card in cards], cards.index(asked), rng))


def _couple(seed: int, rng: random.Random) -> Sample:
    """The KTPs of two people in one file: whose is meant only a person can tell."""
    cards = [_ktp(_person("couple", rng), rng, "couple") for _ in range(2)]
    return _sample("couple", seed, cards[0], together([card.image for card in cards], 0, rng))


def _sample(level: Level, seed: int, card: _Printed, taken: Taken) -> Sample:
    return Sample(
        name=f"{level} {card.document_type} {seed} ({taken.how})",
        level=level,
        document_type=card.document_type,
        content=taken.content,
        truth=card.truth,
        shown=taken.shown.image,
        places={key: _placed(taken, box) for key, box in card.boxes.items() if key in card.truth},
        must_review=MUST_REVIEW.get(level),
    )


def _placed(taken: Taken, box: tuple[float, float, float, float]) -> Quad:
    left, top, right, bottom = box[0] - _MARGIN, box[1] - _MARGIN, box[2] + _MARGIN, box[3] + _MARGIN
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return map_points(taken.shown.place, corners)
