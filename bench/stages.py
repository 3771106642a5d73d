"""Where a card's CPU time goes: decoding the file, the networks, what lies between them, the fields."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from bench.processes import cpu_seconds
from service import reading
from service.demo.cards import DemoCard
from service.ocr.loading import load_engine, warm_up
from service.ocr.onnx import OnnxEngine
from service.ocr.recognition import LINE_HEIGHT
from service.ocr.sessions import Network

#: In the order in which a card meets them. The three networks are what a GPU would take over.
STAGES = ("decode the file", "detector", "direction", "recogniser", "rest of reading", "fields and faults")

NETWORKS = ("detector", "direction", "recogniser")


def stage_milliseconds(cards: Sequence[DemoCard]) -> Mapping[str, float]:
    """CPU milliseconds a card by stage, one card after the other on this thread; the decoder's count too."""
    engine = load_engine("onnx")
    warm_up(engine)
    for card in cards[:2]:
        reading.read_document(card.content, card.document_type, engine)
    spent: dict[str, float] = defaultdict(float)
    others = cpu_seconds(os.getpid()) - time.process_time()
    with ExitStack() as stack:
        for owner, name, stage in (
            (reading, "read_pages", lambda _: "decode the file"),
            (OnnxEngine, "read", lambda _: "ocr"),
            (Network, "run", _network_of),
        ):
            stack.enter_context(patch.object(owner, name, _timed(getattr(owner, name), spent, stage)))
        started = time.thread_time()
        for card in cards:
            reading.read_document(card.content, card.document_type, engine)
        whole = time.thread_time() - started
    decoder = cpu_seconds(os.getpid()) - time.process_time() - others
    networks = sum(spent[name] for name in NETWORKS)
    seconds = {
        "decode the file": spent["decode the file"] + decoder,
        **{name: spent[name] for name in NETWORKS},
        "rest of reading": spent["ocr"] - networks,
        "fields and faults": whole - spent["ocr"] - spent["decode the file"],
    }
    return {stage: 1000 * seconds[stage] / len(cards) for stage in STAGES}


def _timed(function: Any, spent: dict[str, float], stage: Callable[[Any], str]) -> Any:
    """Return the function with its CPU time added to what was spent on its stage."""

    def timed(*arguments: Any) -> Any:
        started = time.thread_time()
        try:
            return function(*arguments)
        finally:
            spent[stage(arguments[-1])] += time.thread_time() - started

    return timed


def _network_of(batch: Any) -> str:
    """Tell the networks apart by what they see: only the direction of several lines is asked at once."""
    if batch.shape[2] != LINE_HEIGHT:
        return "detector"
    return "recogniser" if len(batch) == 1 else "direction"
