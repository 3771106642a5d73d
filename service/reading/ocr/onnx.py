"""The ``onnx`` driver: PP-OCR's detector and recogniser on ONNX Runtime, on the CPU or a CUDA GPU."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import fmean, median

import numpy as np

from service.reading.ocr.card_detection import (
    find_card,
    find_other_card,
    has_print_beside,
    is_card_shaped,
    without_card,
)
from service.reading.ocr.cores import Cores
from service.reading.ocr.detection import MAX_CARD_SIDE, MAX_SIDE, find_lines
from service.reading.ocr.engine import Box, Device, Image, Matrix, Page, PageText, TextLine
from service.reading.ocr.flattening import flatten, unflatten_matrix
from service.reading.ocr.geometry import (
    Quad,
    cut_line,
    level_matrix,
    level_page,
    turn_matrix,
    turn_page,
    turn_quad,
    widen,
)
from service.reading.ocr.illumination import even_illumination
from service.reading.ocr.orientation import quarter_turns, skew
from service.reading.ocr.reading_order import in_reading_order
from service.reading.ocr.recognition import MAX_LINE, LineText, Recogniser
from service.reading.ocr.second_look import merge_readings, needs_second_look
from service.reading.ocr.sessions import Network, load_network
from service.reading.ocr.shapes import FULL, LineSize

#: Lines below this confidence are patterns and smudges rather than text.
MIN_CONFIDENCE = 0.5

#: Degrees. A page with more skew is rotated until it is level, so that boxes form rows and columns.
MAX_SKEW = 2.0

#: Share of their height by which lines are cut out wider at both ends for a second look, because the detector
#: may have cut off their first or last letter.
SECOND_MARGIN = 0.15

#: A card shows at least this many lines; with fewer, the outline belongs to something else.
MIN_CARD_LINES = 4

#: Print that is upside down is read as nonsense: the least certain characters of its lines have a median of
#: up to 0.57, those of upright print of 0.76 and more, but for the smallest; of 70 cards of five levels each
#: way.
MIN_UPRIGHT_CERTAINTY = 0.65


@dataclass(frozen=True, slots=True)
class _View:
    """A page in two renderings of the same size: as it is, and with even illumination."""

    page: Image
    #: For finding and recognising text; the page itself if its light is even enough.
    lit: Image
    #: Homography from pixels of ``page`` to those of the page that the engine was given.
    to_page: Matrix = field(default_factory=lambda: np.eye(3))

    def turned(self, turns: int) -> "_View":
        """Rotate by clockwise quarter turns."""
        page = turn_page(self.page, turns)
        lit = page if self.lit is self.page else turn_page(self.lit, turns)
        return _View(page, lit, self.to_page @ np.linalg.inv(turn_matrix(self.page, turns)))

    def levelled(self, quads: Sequence[Quad], angle: float) -> tuple["_View", list[Quad]]:
        """Rotate page and lines until lines that fall by ``angle`` degrees are level."""
        page, level_quads = level_page(self.page, quads, angle)
        lit = page if self.lit is self.page else level_page(self.lit, quads, angle)[0]
        back = np.linalg.inv(level_matrix(self.page, angle)[0])
        return _View(page, lit, self.to_page @ back), level_quads


@dataclass(frozen=True, slots=True)
class _UprightPage:
    """An upright, level page with the places of its lines."""

    view: _View
    quads: Sequence[Quad]

    def turned_over(self) -> "_UprightPage":
        """Rotate by a half turn."""
        height, width = self.view.page.shape
        corner = np.array([width - 1, height - 1], np.float32)
        return _UprightPage(self.view.turned(2), [turn_quad(corner - quad, 2) for quad in self.quads])


@dataclass(frozen=True, slots=True)
class _Looks:
    """How the lines of a page are recognised, and those again that are doubtful."""

    first: Recogniser
    size: LineSize
    #: At full size.
    second: Recogniser


class OnnxEngine:
    """Reads pages with networks that all threads share.

    Parameters:
        device: where to compute
        open_network: opens a network by its name; by default each in its own session

    Raises:
        SettingsError: a model file is missing or altered.
        DeviceError: CUDA is requested and cannot be used.
    """

    name = "onnx"

    def __init__(self, device: Device = "cpu", open_network: Callable[[str], Network] | None = None) -> None:
        self._cores = Cores()
        open_network = open_network or partial(load_network, device=device, cores=self._cores)
        self._device = device
        variant = "" if device == "cuda" else "-int8"
        self._detector = open_network(f"detector{variant}")
        self._direction = open_network("direction")
        network = open_network(f"recogniser{variant}")
        self._sizes = network.sizes
        # On a GPU lines of all pages are computed together, which saves more than a smaller network.
        large = Recogniser(network)
        small = Recogniser(open_network("recogniser-small-int8")) if variant else large
        # A second look by the other network: each notices most of what the one before misread with certainty.
        self._looks_at_cards = _Looks(small, network.sizes.card_line, large)
        self._looks_at_pages = _Looks(large, FULL, Recogniser(open_network("recogniser")))

    @property
    def device(self) -> Device:
        """Device that the networks compute on."""
        return self._device

    def read(self, page: Page) -> PageText:
        """Find and recognise the text of one page, upright.

        A card that lies on something is flattened; the result then refers to the flattened card. A second
        card beside it is read as well.

        Raises:
            EngineError: ONNX Runtime failed; a ``DeviceError`` if it computed on the GPU.
        """
        with self._cores.reading_page():
            return self._read(page)

    def _read(self, page: Page) -> PageText:
        image = page.image
        if is_card_shaped(image):
            return self._read_upright(self._make_upright(image, MAX_CARD_SIDE), self._looks_at_cards)
        card = find_card(page)
        text = None if card is None else self._read_card(image, card)
        if card is not None and text is not None:
            other = self._read_beside(image, card)
            return text if other is None else replace(text, other_cards=(other,))
        return self._read_upright(self._make_upright(image, MAX_SIDE), self._looks_at_pages)

    def _read_beside(self, image: Image, card: Quad) -> PageText | None:
        """Read what lies beside a card; None if that has too few lines to be a second one."""
        if not has_print_beside(image, card):
            return None
        other = find_other_card(image, card)
        text = None if other is None else self._read_card(image, other)
        if text is not None:
            return text
        # A second card whose outline does not stand out must not be missed.
        found = self._make_upright(without_card(image, card), MAX_SIDE)
        return self._read_upright(found, self._looks_at_pages) if len(found.quads) >= MIN_CARD_LINES else None

    def _read_card(self, image: Image, card: Quad) -> PageText | None:
        """Read a card with these corners; None if it has too few lines to be one."""
        flat = flatten(image, card)
        found = self._make_upright(flat, MAX_CARD_SIDE, unflatten_matrix(flat, card))
        if len(found.quads) < MIN_CARD_LINES:
            return None
        return self._read_upright(found, self._looks_at_cards)

    def _make_upright(self, page: Image, longest_side: int, to_page: Matrix | None = None) -> _UprightPage:
        """Find the lines of a page, and rotate page and lines until they are upright and level."""
        view = _View(page, even_illumination(page), np.eye(3) if to_page is None else to_page)
        quads = find_lines(self._detector, view.lit, longest_side)
        turns = quarter_turns(self._direction, view.lit, quads)
        if turns:
            view = view.turned(turns)
            # Detected again, because lines are found more precisely on an upright page.
            quads = find_lines(self._detector, view.lit, longest_side)
        angle = skew(quads)
        if abs(angle) > MAX_SKEW:
            view, quads = view.levelled(quads, angle)
        return _UprightPage(view, quads)

    def _read_upright(self, found: _UprightPage, looks: _Looks) -> PageText:
        found, read = self._recognise_upright(found, looks)
        image, quads = found.view.lit, found.quads
        # The same network at the same size would see the same.
        if looks.size != FULL:
            doubtful = [index for index, line in enumerate(read) if needs_second_look(line)]
            wider = [widen(quads[index], SECOND_MARGIN) for index in doubtful]
            again = self._recognise(looks.second, image, wider, FULL)
            for index, line in zip(doubtful, again, strict=True):
                read[index] = merge_readings(line, read[index])
        texts = {
            _box(quad): line
            for line, quad in zip(read, quads, strict=True)
            if line.text.strip() and line.confidence >= MIN_CONFIDENCE
        }
        lines = [_text_line(line, box) for box, line in texts.items()]
        return PageText(
            found.view.page,
            tuple(in_reading_order(lines)),
            self._device,
            to_page=found.view.to_page,
            look_again=partial(self.look_again, looks.second, image, texts),
        )

    def _recognise_upright(self, found: _UprightPage, looks: _Looks) -> tuple[_UprightPage, list[LineText]]:
        """Recognise the lines of a page; if they are nonsense, turned over too, and the better is kept."""
        read = self._recognise(looks.first, found.view.lit, found.quads, looks.size)
        if not read or median(_certainties(read)) >= MIN_UPRIGHT_CERTAINTY:
            return found, read
        over = found.turned_over()
        other = self._recognise(looks.first, over.view.lit, over.quads, looks.size)
        is_better = fmean(_certainties(other)) > fmean(_certainties(read))
        return (over, other) if is_better else (found, read)

    def look_again(
        self, recogniser: Recogniser, image: Image, texts: Mapping[Box, LineText], lines: Sequence[TextLine]
    ) -> list[TextLine]:
        """Recognise lines of a page once more, at full size.

        Parameters:
            recogniser: of the second look
            image: the page as its lines were cut out of it
            texts: how the lines were read, by their boxes
        """
        quads = [widen(np.array(line.box, np.float32), SECOND_MARGIN) for line in lines]
        with self._cores.reading_page():
            again = self._recognise(recogniser, image, quads, FULL)
        merged = [merge_readings(one, texts[line.box]) for one, line in zip(again, lines, strict=True)]
        return [_text_line(one, line.box) for one, line in zip(merged, lines, strict=True)]

    def _recognise(
        self, recogniser: Recogniser, image: Image, quads: Sequence[Quad], size: LineSize
    ) -> list[LineText]:
        return recogniser.read_all(
            [cut_line(image, quad, size.height, MAX_LINE, size.stretch, self._sizes.line) for quad in quads]
        )


def _certainties(read: Sequence[LineText]) -> list[float]:
    return [line.min_certainty for line in read]


def _text_line(line: LineText, box: Box) -> TextLine:
    return TextLine(
        line.text.strip(),
        line.confidence,
        box,
        line.min_certainty,
        line.blank_doubt,
        line.looks,
        line.looks_differ,
    )


def _box(quad: Quad) -> Box:
    top_left, top_right, bottom_right, bottom_left = ((float(x), float(y)) for x, y in quad)
    return top_left, top_right, bottom_right, bottom_left
