import threading
from collections.abc import Callable

import numpy as np
import pytest

from service.reading.ocr import onnx
from service.reading.ocr.engine import Engine, Image, Page, PageText
from service.reading.ocr.geometry import level_page, turn_page


def texts(page: PageText) -> list[str]:
    return [line.text for line in page.lines]


def test_a_page_is_read_in_order_with_confidence(
    onnx_engine: Engine, form: Image, form_text: list[str]
) -> None:
    page = onnx_engine.read(Page(form))

    assert texts(page) == form_text
    assert all(0.9 < line.confidence <= 1 for line in page.lines)
    assert (onnx_engine.name, page.device) == ("onnx", "cpu")


def test_boxes_lie_around_the_print(onnx_engine: Engine, draw: Callable[..., Image]) -> None:
    form = draw([("RATNA DEWI KUSUMA", (300, 200))])
    ys, xs = np.nonzero(form < 100)

    (line,) = onnx_engine.read(Page(form)).lines

    assert (line.left, line.right) == pytest.approx((xs.min(), xs.max()), abs=15)
    assert (line.top, line.bottom) == pytest.approx((ys.min(), ys.max()), abs=15)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_page_is_read_as_the_upright_one(onnx_engine: Engine, form: Image, turns: int) -> None:
    lying = turn_page(form, turns)

    page = onnx_engine.read(Page(lying))

    assert page.image.shape == form.shape
    assert np.array_equal(page.image, form)
    assert page.lines == onnx_engine.read(Page(form)).lines


def test_a_page_whose_direction_is_misjudged_is_read_upright_all_the_same(
    onnx_engine: Engine, form: Image, form_text: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx, "quarter_turns", lambda *_: 2)

    page = onnx_engine.read(Page(form))

    assert texts(page) == form_text
    assert np.array_equal(page.image, form)
    assert np.array_equal(page.to_page, np.eye(3))


@pytest.mark.parametrize("degrees", [-25.0, 6.0])
def test_a_page_askew_is_made_level(
    onnx_engine: Engine, form: Image, form_text: list[str], degrees: float
) -> None:
    askew, _ = level_page(form, [], degrees)

    page = onnx_engine.read(Page(askew))

    assert texts(page) == form_text
    title = page.lines[0]
    assert title.box[0][1] == pytest.approx(title.box[1][1], abs=6)


def test_a_card_that_is_small_on_its_page_is_read_too(
    onnx_engine: Engine, form: Image, form_text: list[str]
) -> None:
    scan = np.full((3500, 2500), 250, np.uint8)
    scan[300:940, 200:1200] = form

    page = onnx_engine.read(Page(scan))

    assert texts(page) == form_text
    assert page.image.shape[1] < scan.shape[1] / 2


def test_lines_are_recognised_once_more_on_request(onnx_engine: Engine, form: Image) -> None:
    page = onnx_engine.read(Page(form))
    name = next(line for line in page.lines if line.text == "RATNA DEWI KUSUMA")
    assert page.look_again is not None

    (again,) = page.look_again([name])

    assert (again.text, again.box) == (name.text, name.box)
    assert (name.looks, again.looks, again.looks_differ) == (1, 2, False)


def test_a_blank_page_has_no_lines(onnx_engine: Engine) -> None:
    page = onnx_engine.read(Page(np.full((640, 1000), 255, np.uint8)))

    assert page.lines == ()


def test_noise_is_not_taken_for_text(onnx_engine: Engine) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (640, 1000), np.uint8)

    page = onnx_engine.read(Page(noise))

    assert page.lines == ()


def test_threads_share_the_engine(onnx_engine: Engine, form: Image) -> None:
    alone = onnx_engine.read(Page(form)).lines
    read: list[PageText] = []
    threads = [threading.Thread(target=lambda: read.append(onnx_engine.read(Page(form)))) for _ in range(3)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [page.lines for page in read] == [alone] * 3
