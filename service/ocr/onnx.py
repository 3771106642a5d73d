"""The ``onnx`` driver: PP-OCR's detector and recogniser on ONNX Runtime, on the CPU or a CUDA GPU."""

from service.ocr.detection import find_lines
from service.ocr.engine import Box, Device, Image, PageText, TextLine
from service.ocr.geometry import Quad, cut_line, level_page, turn_page
from service.ocr.orientation import quarter_turns, skew
from service.ocr.reading_order import in_reading_order
from service.ocr.recognition import LINE_HEIGHT, LONGEST_LINE, Recogniser
from service.ocr.sessions import load_network

#: Lines below this confidence are patterns and smudges rather than text.
LEAST_CONFIDENCE = 0.5

#: Degrees; a page more askew than this is made level, so that boxes give rows and columns.
MOST_SKEW = 2.0


class OnnxEngine:
    """Reads pages with three networks that all threads share.

    Parameters:
        device: where to compute.

    Raises:
        SettingsError: a model file is missing or altered.
        DeviceError: CUDA is asked for and cannot be used.
    """

    name = "onnx"

    def __init__(self, device: Device = "cpu") -> None:
        self._device = device
        self._detector = load_network("detector", device)
        self._direction = load_network("direction", device)
        self._recogniser = Recogniser(load_network("recogniser", device))

    @property
    def device(self) -> Device:
        """Where the networks compute."""
        return self._device

    def read(self, page: Image) -> PageText:
        """Find and recognise the text of one page, turned upright first.

        Raises:
            EngineError: ONNX Runtime failed; ``DeviceError`` when it computed on the GPU.
        """
        quads = find_lines(self._detector, page)
        turns = quarter_turns(self._direction, page, quads)
        if turns:
            page = turn_page(page, turns)
            # Lines that run down the page are found less exactly than level ones: look again.
            quads = find_lines(self._detector, page)
        askew = skew(quads)
        if abs(askew) > MOST_SKEW:
            page, quads = level_page(page, quads, askew)
        lines = [self._read_line(page, quad) for quad in quads]
        kept = [line for line in lines if line.text.strip() and line.confidence >= LEAST_CONFIDENCE]
        return PageText(page, tuple(in_reading_order(kept)), self._device)

    def _read_line(self, page: Image, quad: Quad) -> TextLine:
        text, confidence = self._recogniser.read(cut_line(page, quad, LINE_HEIGHT, LONGEST_LINE))
        return TextLine(text.strip(), confidence, _box(quad))


def _box(quad: Quad) -> Box:
    top_left, top_right, bottom_right, bottom_left = ((float(x), float(y)) for x, y in quad)
    return top_left, top_right, bottom_right, bottom_left
