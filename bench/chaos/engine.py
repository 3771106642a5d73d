"""An OCR engine for volume: it reads the marks that the bench drew, and does as they say."""

import ctypes
import os
import signal
import time

from bench.chaos.pictures import Behaviour, Marks, marks_of, npwp_number
from bench.chaos.trace import Trace
from service.errors import EngineError
from service.ocr.engine import Device, Image, PageText, TextLine


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

    def read(self, page: Image) -> PageText:
        """The text that the marks stand for; a picture without any, as the worker's first, says nothing."""
        marks = marks_of(page)
        if marks is None:
            return PageText(image=page, lines=(_line("CONTOH", 0),), device="cpu")
        self.trace.note("begin", self.tag, marks.serial)
        time.sleep(marks.tenths / 10)
        self._misbehave(marks)
        self.trace.note("end", self.tag, marks.serial)
        texts = ["NPWP"]
        if marks.behaviour is not Behaviour.DOUBTFUL:
            texts = [f"NPWP : {npwp_number(marks.serial)}", "BUDI SANTOSO", f"DIBACA OLEH {self.tag}"]
        lines = tuple(_line(text, row) for row, text in enumerate(texts))
        return PageText(image=page, lines=lines, device="cpu")

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


def _line(text: str, row: int) -> TextLine:
    top, right = 40.0 * row, 20.0 * len(text)
    return TextLine(text, 0.99, ((0, top), (right, top), (right, top + 30), (0, top + 30)))
