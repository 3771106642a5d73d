"""Places of fields: where a reviewer's screen points to is where the field is printed."""

import io
from itertools import product

import cv2
import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from bench.accuracy.levels import Level
from bench.accuracy.samples import Sample, invent_sample
from devstack.degrade import encode_jpeg
from service.reading.ocr.engine import ColourImage, Engine
from service.reading.ocr.loading import load_engine
from service.reading.places import place_on_page
from service.reading.reader import Reading, field_details, read_document

#: Shares of the picture by which a box and the print may differ: an engine's boxes have margins.
TOLERANCE = 0.03


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine("onnx")


def printed_places(sample: Sample) -> dict[str, tuple[float, float, float, float]]:
    """Where each field stands, as shares of the picture as viewers show it, after its EXIF orientation."""
    assert sample.shown is not None
    height, width = sample.shown.shape[:2]
    mask = PIL.Image.open(io.BytesIO(sample.content))
    places = {}
    for key, quad in sample.places.items():
        filled = cv2.fillConvexPoly(np.zeros((height, width), np.uint8), np.rint(quad).astype(np.int32), 255)
        drawn = PIL.Image.fromarray(filled)
        drawn.getexif()[0x0112] = mask.getexif().get(0x0112, 1)
        # Pillow turns a picture by the note in its EXIF data, as viewers do.
        content = io.BytesIO()
        drawn.save(content, "PNG", exif=drawn.getexif())
        upright = np.asarray(PIL.ImageOps.exif_transpose(PIL.Image.open(content)))
        rows, columns = np.flatnonzero(upright.any(axis=1)), np.flatnonzero(upright.any(axis=0))
        places[key] = (
            columns[0] / upright.shape[1],
            rows[0] / upright.shape[0],
            (columns[-1] + 1) / upright.shape[1],
            (rows[-1] + 1) / upright.shape[0],
        )
    return places


def assert_places(reading: Reading, printed: dict[str, tuple[float, float, float, float]]) -> None:
    details = field_details(reading)
    # The province's box leaves out the word PROVINSI in front of it.
    placed = [key for key in details if key in printed and key != "province" and "box" in details[key]]
    assert {"nik", "name", "address", "birthDate"} <= {*placed}
    for key in placed:
        left, top, right, bottom = details[key]["box"]
        wanted = printed[key]
        middle = ((wanted[0] + wanted[2]) / 2, (wanted[1] + wanted[3]) / 2)
        assert left <= middle[0] <= right, key
        assert top <= middle[1] <= bottom, key
        # No more than the printed line, with margins.
        assert left > wanted[0] - 2 * TOLERANCE, key
        assert top > wanted[1] - TOLERANCE, key
        assert right < wanted[2] + 2 * TOLERANCE, key
        assert bottom < wanted[3] + TOLERANCE, key
        assert details[key]["page"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("level", "seed"),
    # Flat, photographed askew and rectified, turned with and without a note in EXIF.
    [("flat", 500000), ("photo", 500000), *product(["turned"], [500000, 500001, 500004, 500005])],
)
def test_boxes_lie_on_the_print_in_the_picture_as_viewers_show_it(
    engine: Engine, level: Level, seed: int
) -> None:
    sample = invent_sample(level, seed)

    reading = read_document(sample.content, sample.document_type, engine)

    assert_places(reading, printed_places(sample))


@pytest.mark.slow
def test_boxes_of_a_mirrored_picture_lie_on_the_mirrored_print(engine: Engine) -> None:
    sample = invent_sample("flat", 500001)
    mirrored: ColourImage = np.ascontiguousarray(np.asarray(sample.shown)[:, ::-1])

    reading = read_document(encode_jpeg(mirrored, 92), sample.document_type, engine)

    assert "mirrored" in reading.review_reasons
    flipped = {
        key: (1 - right, top, 1 - left, bottom)
        for key, (left, top, right, bottom) in printed_places(sample).items()
    }
    assert_places(reading, flipped)


def test_a_box_is_mapped_to_the_page_and_kept_inside_of_it() -> None:
    box = ((-10.0, 20.0), (50.0, 20.0), (50.0, 40.0), (-10.0, 40.0))

    assert place_on_page(box, np.diag([2.0, 2.0, 1.0]), (200, 400)) == (0.0, 0.1, 0.5, 0.2)
