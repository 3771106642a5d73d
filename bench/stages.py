"""CPU time of a card by stage: decoding, networks, the steps between them, fields."""

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import cv2

from bench.processes import cpu_seconds
from devstack.cards import DemoCard
from service.reading import reader
from service.reading.ocr.loading import warm_up
from service.reading.ocr.onnx import OnnxEngine
from service.reading.ocr.sessions import LoadedNetwork, Outputs, Tensor, load_network
from service.reading.ocr.shapes import Sizes
from service.reading.pages import read_pages

#: In the order in which a card meets them. The three networks are what a GPU would take over.
STAGES = ("decode the file", "detector", "direction", "recogniser", "rest of reading", "fields and faults")

NETWORKS = ("detector", "direction", "recogniser")


@dataclass(frozen=True, slots=True)
class Timed:
    """A network that records its CPU seconds."""

    network: LoadedNetwork
    name: str
    spent: dict[str, float]

    @property
    def sizes(self) -> Sizes:
        """As the network's."""
        return self.network.sizes

    def run(self, batch: Tensor) -> Outputs:
        """As the network's."""
        started = time.thread_time()
        outputs = self.network.run(batch)
        self.spent[self.name] += time.thread_time() - started
        return outputs

    def run_all(self, inputs: Iterable[Tensor]) -> list[Outputs]:
        """As the network's; making the inputs is not its work."""
        return [self.run(batch) for batch in inputs]

    def metadata(self, key: str) -> str:
        """As the network's."""
        return self.network.metadata(key)


def stage_milliseconds(cards: Sequence[DemoCard]) -> Mapping[str, float]:
    """CPU milliseconds a card by stage, one card after the other on this thread; the decoder's count too."""
    spent: dict[str, float] = defaultdict(float)
    # As the worker has it: jobs have one core each.
    cv2.setNumThreads(1)
    engine = OnnxEngine(open_network=lambda name: Timed(load_network(name, "cpu"), _plain(name), spent))
    warm_up(engine)
    for card in cards[:2]:
        reader.read_document(card.content, card.document_type, engine)
    spent.clear()
    others = cpu_seconds(os.getpid()) - time.process_time()
    with (
        patch.object(reader, "read_pages", _timed(read_pages, spent, "decode the file")),
        patch.object(OnnxEngine, "read", _timed(OnnxEngine.read, spent, "ocr")),
        patch.object(OnnxEngine, "look_again", _timed(OnnxEngine.look_again, spent, "ocr")),
    ):
        started = time.thread_time()
        for card in cards:
            reader.read_document(card.content, card.document_type, engine)
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


def _plain(name: str) -> str:
    """The network's stage: its name without its size and the kind of its numbers."""
    return name.partition("-")[0]


def _timed(function: Any, spent: dict[str, float], stage: str) -> Any:
    """Return the function with its CPU time added to what was spent on its stage."""

    def timed(*arguments: Any) -> Any:
        started = time.thread_time()
        try:
            return function(*arguments)
        finally:
            spent[stage] += time.thread_time() - started

    return timed
