"""Two cards on one photo, read by the real engine: whose is meant only a person can tell."""

import random
from dataclasses import replace

import pytest

from devstack.camera import photograph
from devstack.cards import render_ktp
from devstack.degrade import STEADY, encode_jpeg
from devstack.people import invent_person
from service.reading.ocr.engine import ColourImage
from service.reading.ocr.onnx import OnnxEngine
from service.reading.reader import read_document

#: A phone held upright.
UPRIGHT = replace(STEADY, sizes=((1440, 1920),), fill=(0.85, 0.92))


@pytest.fixture(scope="module")
def engine() -> OnnxEngine:
    return OnnxEngine()


def ktp(rng: random.Random) -> ColourImage:
    return render_ktp(invent_person(rng), rng)


@pytest.mark.parametrize("seed", [3, 4, 8, 10])
def test_a_second_persons_card_sends_the_photo_to_a_person(engine: OnnxEngine, seed: int) -> None:
    rng = random.Random(seed)
    photo = photograph(ktp(rng), UPRIGHT, rng, other=ktp(rng))

    reading = read_document(encode_jpeg(photo.image, 85), "KTP", engine)

    assert "several_cards" in reading.review_reasons
    assert reading.decision == "needs_review"


def test_a_card_alone_is_read_as_one(engine: OnnxEngine) -> None:
    rng = random.Random(3)
    photo = photograph(ktp(rng), UPRIGHT, rng)

    reading = read_document(encode_jpeg(photo.image, 85), "KTP", engine)

    assert len(reading.pages) == 1
    assert reading.review_reasons == ()
