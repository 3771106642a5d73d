"""A fast OCR engine that reads the marks of the bench's pictures and behaves as they say."""

import ctypes
import os
import signal
import time
from collections.abc import Sequence

import cv2
import numpy as np

from bench.chaos.pictures import Behaviour, Marks, marks_of, npwp_number
from bench.chaos.trace import Trace
from service.errors import EngineError
from service.reading.ocr.engine import Device, Image, Page, PageText, TextLine


class MarkEngine:
    """Reads marked pictures; safe to use from several threads.

    Args:
        trace: where the beginning and end of every reading is noted.
        tag: of this worker, added to the text so that a result shows who read it.
    """

    name = "onnx"
    device: Device = "cpu"

    def __init__(self, trace: Trace, tag: str) -> None:
        self.trace = trace
        self.tag = tag

    def read(self, page: Page) -> PageText:
        """The text that the marks stand for; a picture without any, as the worker's first, says nothing."""
        marks = marks_of(page.image)
        if marks is None:
            return PageText(image=page.image, lines=(_line("CONTOH", 0),), device="cpu")
        self.trace.note("begin", self.tag, marks.serial)
        time.sleep(marks.tenths / 10)
        self._misbehave(marks)
        self.trace.note("end", self.tag, marks.serial)
        texts = ["NPWP"]
        if marks.behaviour is not Behaviour.DOUBTFUL:
            texts = [f"NPWP : {npwp_number(marks.serial)}", "BUDI SANTOSO", f"DIBACA OLEH {self.tag}"]
        lines = tuple(_line(text, row) for row, text in enumerate(texts))
        return PageText(image=_printed(lines), lines=lines, device="cpu")

    def _misbehave(self, marks: Marks) -> None:
        if marks.behaviour is Behaviour.POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        elif marks.behaviour is Behaviour.HANG:
            _wait_for_ever(ctypes.CDLL(None))
        elif marks.behaviour is Behaviour.FREEZE:
            # PyDLL, unlike CDLL, keeps the interpreter's lock while it is in C.
            _wait_for_ever(ctypes.PyDLL(None))
        elif marks.behaviour is Behaviour.FLAKY:
            reads = sum(event.serial == marks.serial for event in self.trace.events("begin"))
            if reads <= marks.failures:
                raise EngineError("told to fail")


def _wait_for_ever(library: ctypes.CDLL) -> None:
    while True:
        library.pause()


def _printed(lines: Sequence[TextLine]) -> Image:
    """Clear print where the lines stand: no fault of the picture shall send them to a person."""
    page = np.full((180, 640), 235, np.uint8)
    for line in lines:
        place = round(line.left) + 4, round(line.bottom) - 8
        cv2.putText(page, line.text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.7, (20,), 2)
    return page


def _line(text: str, row: int) -> TextLine:
    left, top, right = 20.0, 20 + 40.0 * row, 20 + 16.0 * len(text)
    return TextLine(text, 0.99, ((left, top), (right, top), (right, top + 30), (left, top + 30)))
