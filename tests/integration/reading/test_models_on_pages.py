"""Every model we ship against its origin on the same pages: differences are named and counted."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import compress
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from devstack.cards import Level, sample_cards
from service.reading.ocr.detection import MAX_SIDE, corners, find_boxes, find_lines
from service.reading.ocr.engine import Image
from service.reading.ocr.geometry import cut_line, turn_page
from service.reading.ocr.orientation import CLASSIFIER_SIZE, quarter_turns
from service.reading.ocr.recognition import MAX_LINE, Recogniser, decode, line_tensor
from service.reading.ocr.sessions import Tensor, load_network
from service.reading.ocr.shapes import LINE_HEIGHT
from service.reading.pages import read_pages
from tests.integration.reading.test_models import as_origin, origin
from tools.models.derive import published_recogniser

#: Invented cards of each level: KTP and NPWP in turn.
PAGES: tuple[tuple[Level, int], ...] = (("flat", 4), ("photo", 2), ("scan", 1))

#: Least certainty of a line's characters for it to be print.
MIN_CERTAINTY = 0.5

#: A character that the origin reads and ours does not know, and what ours reads there.
STANDS_FOR = str.maketrans({"\N{FULLWIDTH COLON}": ":"})


@lru_cache(maxsize=1)
def pages() -> tuple[Image, ...]:
    return tuple(
        read_pages(card.content)[0].image
        for level, count in PAGES
        for card in sample_cards(2026, count, level)
    )


@lru_cache(maxsize=1)
def lines() -> tuple[Image, ...]:
    """Every line of every page, cut out of the page turned upright."""
    detector, direction = load_network("detector", "cpu"), load_network("direction", "cpu")
    cut = []
    for page in pages():
        upright = turn_page(page, quarter_turns(direction, page, find_lines(detector, page)))
        cut += [cut_line(upright, quad, LINE_HEIGHT, MAX_LINE) for quad in find_lines(detector, upright)]
    return tuple(cut)


@lru_cache(maxsize=2)
def texts(model: str) -> tuple[str, ...]:
    """What one of our recognisers reads on every line."""
    return tuple(line.text for line in Recogniser(load_network(model, "cpu")).read_all(lines()))


@lru_cache(maxsize=1)
def is_print() -> tuple[bool, ...]:
    """Whether each line is read with certainty; the others are no print."""
    read = Recogniser(load_network("recogniser", "cpu")).read_all(lines())
    return tuple(line.min_certainty > MIN_CERTAINTY for line in read)


def texts_by(session: onnxruntime.InferenceSession, *after_listed: str) -> list[str]:
    """What a network with all probabilities as its output reads on every line."""
    listed = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    characters = ["", *listed, *after_listed]
    outputs = [session.run(None, {"x": as_origin(line_tensor(line))})[0][0] for line in lines()]
    nothing = [np.zeros(len(steps), np.float32) for steps in outputs]
    return [
        decode(steps.argmax(axis=1), steps.max(axis=1), between, characters).text
        for steps, between in zip(outputs, nothing, strict=True)
    ]


def differences(ours: Sequence[str], theirs: Sequence[str], name: Callable[[str, str], str]) -> Counter[str]:
    """Count the lines that differ, by the name of the difference."""
    return Counter(name(mine, other) for mine, other in zip(ours, theirs, strict=True) if mine != other)


def name_of_float_difference(ours: str, theirs: str) -> str:
    same = ours == theirs.translate(STANDS_FOR)
    return "a full-width colon is a colon" if same else f"{theirs!r} became {ours!r}"


def name_of_int8_difference(ours: str, theirs: str) -> str:
    if ":" in ours and ours.replace(" ", "") == theirs.replace(" ", ""):
        return "a blank beside a colon"
    if ours == theirs.replace(" ", ""):
        return "a blank between words"
    return f"{theirs!r} became {ours!r}"


def detector_input(page: Image) -> Tensor:
    height, width = page.shape
    scale = min(1.0, MAX_SIDE / max(height, width))
    seen = cv2.resize(page, load_network("detector", "cpu").sizes.page(width * scale, height * scale))
    return np.asarray(cv2.dnn.blobFromImage(seen, 1 / 127.5, mean=(127.5,)), np.float32)


def test_the_pages_hold_enough_to_tell_models_apart() -> None:
    assert len(pages()) == 7
    assert len(lines()) > 120


def test_the_detector_boxes_every_page_as_its_origin_does(wheel: Path) -> None:
    ours, theirs = load_network("detector", "cpu"), origin(wheel, "PP-OCRv6_det_small")

    for page in pages():
        batch = detector_input(page)
        mine, other = ours.run(batch)[0][0, 0], theirs.run(None, {"x": as_origin(batch)})[0][0, 0]

        found, expected = (corners(find_boxes(seen)) for seen in (mine, other))
        assert len(found) > 5
        assert np.allclose(found, expected, atol=0.01)


def test_the_int8_detector_finds_the_lines_that_the_float_one_finds_but_for_few() -> None:
    found = {
        name: [len(find_lines(load_network(name, "cpu"), page)) for page in pages()]
        for name in ("detector", "detector-int8")
    }

    strays = [abs(ours - theirs) for ours, theirs in zip(*found.values(), strict=True)]
    # Of 226 lines, none here; a processor with other instructions may round a close decision the other way.
    assert sum(strays) <= 1


def test_the_classifier_of_directions_is_its_origin(wheel: Path) -> None:
    session, network = (
        origin(wheel, "ch_ppocr_mobile_v2.0_cls_mobile"),
        load_network("direction", "cpu"),
    )
    seen = [cv2.resize(line, CLASSIFIER_SIZE[::-1]) for line in lines()]
    batch = np.concatenate([line_tensor(np.asarray(line, np.uint8)) for line in seen])

    assert network.run(batch)[0] == pytest.approx(session.run(None, {"x": as_origin(batch)})[0], abs=1e-4)


def test_the_published_recogniser_reads_every_line_as_its_origin_does_but_for_full_width_colons(
    wheel: Path,
) -> None:
    theirs = texts_by(origin(wheel, "PP-OCRv6_rec_small"), " ")
    published = onnxruntime.InferenceSession(published_recogniser(wheel).SerializeToString())

    found = differences(texts_by(published), theirs, name_of_float_difference)

    assert found == {"a full-width colon is a colon": 2}


def test_the_int8_recogniser_reads_every_line_as_the_float_one_does_but_for_few() -> None:
    # At most, because a processor with other instructions may round a close decision the other way.
    known = Counter({"a blank beside a colon": 6, "a blank between words": 1})

    ours, theirs = ([*compress(texts(name), is_print())] for name in ("recogniser-int8", "recogniser"))

    found = differences(ours, theirs, name_of_int8_difference)

    assert len(ours) > 0.9 * len(lines())
    assert found - known == Counter()
