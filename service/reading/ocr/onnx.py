"""The ``onnx`` driver: PP-OCR's detector and recogniser on ONNX Runtime, on the CPU or a CUDA GPU."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from service.reading.ocr.card_detection import find_card, flatten, is_card_shaped
from service.reading.ocr.detection import MAX_CARD_SIDE, MAX_SIDE, find_lines
from service.reading.ocr.engine import Box, Device, Image, Page, PageText, TextLine
from service.reading.ocr.geometry import Quad, cut_line, level_page, turn_page
from service.reading.ocr.illumination import even_light
from service.reading.ocr.orientation import quarter_turns, skew
from service.reading.ocr.punctuation_recheck import (
    LOOKS,
    agreed,
    doubts,
    is_unsure,
    look_again,
    settled,
    weighed,
)
from service.reading.ocr.reading_order import in_reading_order
from service.reading.ocr.recognition import MAX_LINE, LineText, Recogniser
from service.reading.ocr.sessions import Network, load_network
from service.reading.ocr.shapes import FULL, LineSize

#: Lines below this confidence are patterns and smudges rather than text.
MIN_CONFIDENCE = 0.5

#: Degrees; a page more askew than this is made level, so that boxes give rows and columns.
MAX_SKEW = 2.0

#: A card shows at least so many lines; what has fewer is something else with a card's outline.
MIN_CARD_LINES = 4


@dataclass(frozen=True, slots=True)
class _Upright:
    """A page turned upright and level, and where its lines are."""

    page: Image
    #: The page in even light, for reading; often the page itself.
    lit: Image
    quads: Sequence[Quad]


class OnnxEngine:
    """Reads pages with three networks that all threads share.

    Parameters:
        device: where to compute.
        open_network: opens a network by its name; by default each in a session of its own.

    Raises:
        SettingsError: a model file is missing or altered.
        DeviceError: CUDA is asked for and cannot be used.
    """

    name = "onnx"

    def __init__(self, device: Device = "cpu", open_network: Callable[[str], Network] | None = None) -> None:
        open_network = open_network or partial(load_network, device=device)
        self._device = device
        kind = "" if device == "cuda" else "-int8"
        self._detector = open_network(f"detector{kind}")
        self._direction = open_network("direction")
        recogniser = open_network(f"recogniser{kind}")
        self._recogniser = Recogniser(recogniser)
        self._sizes = recogniser.sizes

    @property
    def device(self) -> Device:
        """Where the networks compute."""
        return self._device

    def read(self, page: Page) -> PageText:
        """Find and recognise the text of one page, turned upright first.

        A card that lies on something is made flat; it is then the page that is returned.

        Raises:
            EngineError: ONNX Runtime failed; ``DeviceError`` when it computed on the GPU.
        """
        image = page.image
        if is_card_shaped(image):
            return self._read_upright(self._upright(image, MAX_CARD_SIDE), self._sizes.card_line)
        card = find_card(page)
        if card is not None:
            found = self._upright(flatten(image, card), MAX_CARD_SIDE)
            if len(found.quads) >= MIN_CARD_LINES:
                return self._read_upright(found, self._sizes.card_line)
        return self._read_upright(self._upright(image, MAX_SIDE), FULL)

    def _upright(self, page: Image, longest_side: int) -> _Upright:
        """Find the lines of a page and turn both until they are upright and level."""
        lit = even_light(page)
        quads = find_lines(self._detector, lit, longest_side)
        turns = quarter_turns(self._direction, lit, quads)
        if turns:
            dark, page = page, turn_page(page, turns)
            lit = page if lit is dark else turn_page(lit, turns)
            # Lines that stand upright are found more exactly than others: look again.
            quads = find_lines(self._detector, lit, longest_side)
        askew = skew(quads)
        if abs(askew) > MAX_SKEW:
            dark, (page, level) = page, level_page(page, quads, askew)
            lit, quads = page if lit is dark else level_page(lit, quads, askew)[0], level
        return _Upright(page, lit, quads)

    def _read_upright(self, found: _Upright, size: LineSize) -> PageText:
        lit, quads = found.lit, found.quads
        read = self._look(lit, quads, size)
        if size != FULL:
            doubtful = [index for index, line in enumerate(read) if is_unsure(line)]
            again = self._look(lit, [quads[index] for index in doubtful], FULL)
            for index, line in zip(doubtful, again, strict=True):
                read[index] = agreed(line, read[index])
        read = self._settle(lit, quads, read)
        lines = [
            TextLine(line.text.strip(), line.confidence, _box(quad))
            for line, quad in zip(read, quads, strict=True)
            if line.text.strip() and line.confidence >= MIN_CONFIDENCE
        ]
        return PageText(found.page, tuple(in_reading_order(lines)), self._device)

    def _settle(self, page: Image, quads: Sequence[Quad], read: Sequence[LineText]) -> list[LineText]:
        """Look again at lines in which a mark between two letters may have been passed over."""
        lines = list(read)
        open_ones = [index for index, line in enumerate(lines) if doubts(line)]
        for look in LOOKS:
            again = self._recogniser.read_all(
                [look_again(page, quads[index], look, self._sizes.line) for index in open_ones]
            )
            for index, line in zip(open_ones, again, strict=True):
                lines[index] = settled(lines[index], line, look.can_clear)
            open_ones = [index for index in open_ones if doubts(lines[index])]
        return weighed(lines)

    def _look(self, page: Image, quads: Sequence[Quad], size: LineSize) -> list[LineText]:
        return self._recogniser.read_all(
            [cut_line(page, quad, size.height, MAX_LINE, size.stretch, self._sizes.line) for quad in quads]
        )


def _box(quad: Quad) -> Box:
    top_left, top_right, bottom_right, bottom_left = ((float(x), float(y)) for x, y in quad)
    return top_left, top_right, bottom_right, bottom_left
