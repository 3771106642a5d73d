"""The bench's cards: repeatable, varied, and labelled where they say."""

import functools

import cv2
import numpy as np
import pytest

from bench.accuracy.levels import LEVELS, Level
from bench.accuracy.samples import HELD_OUT_FROM, Sample, invent_sample
from service.reading.documents.scoring import CONTRACT_FIELDS
from service.reading.ocr.engine import Engine, Page
from service.reading.ocr.geometry import cut_line, quad_size
from service.reading.ocr.loading import load_engine
from service.reading.pages import read_pages

#: A KTP and an NPWP.
SEEDS = (2, 3)


@functools.cache
def drawn(level: Level, seed: int) -> Sample:
    """Drawing takes a while, so each is drawn once for all tests that only look at it."""
    return invent_sample(level, seed)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine("onnx")


@pytest.mark.parametrize("level", LEVELS)
def test_the_same_seed_gives_the_same_file_and_another_seed_another_person(level: Level) -> None:
    first, again, other = drawn(level, 2), invent_sample(level, 2), drawn(level, 3)

    assert (first.content, first.truth) == (again.content, again.truth)
    assert first.truth != other.truth


@pytest.mark.parametrize("level", LEVELS)
def test_every_file_is_one_that_users_may_send(level: Level) -> None:
    for seed in SEEDS:
        content = drawn(level, seed).content

        assert len(content) <= 5 * 1024 * 1024
        assert len(read_pages(content)) in {1, 2}


def test_one_card_in_four_is_an_npwp_on_every_level() -> None:
    types = [invent_sample("flat", seed).document_type for seed in range(HELD_OUT_FROM, HELD_OUT_FROM + 8)]

    assert types == ["KTP", "KTP", "KTP", "NPWP"] * 2


@pytest.mark.parametrize("level", LEVELS)
def test_a_field_stands_where_the_sample_says(level: Level, engine: Engine) -> None:
    sample = drawn(level, 2)
    assert sample.shown is not None
    quad = sample.places["province"]

    straight = cut_line(sample.shown, quad, max(24, round(quad_size(quad)[1])), 1200)
    roomy = cv2.copyMakeBorder(straight, 30, 30, 30, 30, cv2.BORDER_REPLICATE)
    grey = np.asarray(cv2.cvtColor(roomy, cv2.COLOR_BGR2GRAY), np.uint8)
    # Blanks are narrow on some levels, and whether they are read is not the question here.
    text = "".join(line.text for line in engine.read(Page(grey)).lines).replace(" ", "")

    assert sample.truth["province"].replace(" ", "") in text


@pytest.mark.parametrize("level", LEVELS)
def test_every_contract_field_has_a_truth_and_a_place(level: Level) -> None:
    for seed in SEEDS:
        sample = drawn(level, seed)

        contract = set(CONTRACT_FIELDS[sample.document_type])
        assert contract <= set(sample.truth)
        assert contract <= set(sample.places)
