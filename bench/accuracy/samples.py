"""Invented cards by seed: each is a file as it would be sent, what it says, and where on it that stands."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from bench.accuracy.levels import Level, Taken, take
from devstack.camera import map_points
from devstack.ktp import draw_ktp_design, ktp_artwork, ktp_texts, ktp_truth
from devstack.npwp import NPWP_FORMS, draw_npwp_design, npwp_artwork, npwp_texts, npwp_truth
from devstack.people import invent_person
from devstack.printing import field_boxes, print_large
from service.reading.documents.fields import DocumentType
from service.reading.ocr.engine import ColourImage
from service.reading.ocr.geometry import Quad

#: The first of the seeds that nothing is tuned on; those below are for development.
HELD_OUT_FROM = 1_000_000

#: The first of those that `make accuracy` reads. What earlier ones showed has led to changes since.
UNSEEN_FROM = 6_000_000

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


def invent_sample(level: Level, seed: int) -> Sample:
    """The card with this seed; the same seed is another person's card on another level."""
    rng = random.Random(f"{seed}:{level}")
    if seed % _NPWP_EVERY == _NPWP_EVERY - 1:
        return _npwp(level, seed, rng)
    return _ktp(level, seed, rng)


def _ktp(level: Level, seed: int, rng: random.Random) -> Sample:
    person = invent_person(rng)
    design = draw_ktp_design(rng, expires=person.valid_until != "SEUMUR HIDUP")
    texts = list(ktp_texts(person, design))
    card = print_large(ktp_artwork(person, rng, design), texts)
    return _sample(level, seed, "KTP", take(card, level, rng), ktp_truth(person), field_boxes(texts))


def _npwp(level: Level, seed: int, rng: random.Random) -> Sample:
    person = invent_person(rng)
    form = rng.choice(NPWP_FORMS)
    design = draw_npwp_design(rng)
    texts = list(npwp_texts(person, form, design))
    card = print_large(npwp_artwork(rng, design), texts)
    return _sample(level, seed, "NPWP", take(card, level, rng), npwp_truth(person, form), field_boxes(texts))


def _sample(
    level: Level,
    seed: int,
    document_type: DocumentType,
    taken: Taken,
    truth: Mapping[str, str],
    boxes: Mapping[str, tuple[float, float, float, float]],
) -> Sample:
    return Sample(
        name=f"{level} {document_type} {seed} ({taken.how})",
        level=level,
        document_type=document_type,
        content=taken.content,
        truth=truth,
        shown=taken.shown.image,
        places={key: _placed(taken, box) for key, box in boxes.items() if key in truth},
    )


def _placed(taken: Taken, box: tuple[float, float, float, float]) -> Quad:
    left, top, right, bottom = box[0] - _MARGIN, box[1] - _MARGIN, box[2] + _MARGIN, box[3] + _MARGIN
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return map_points(taken.shown.place, corners)
