"""A run: cards read by some threads with one engine, and its cost."""

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import quantiles

from bench.gpu.gauge import Gauge
from bench.processes import cpu_seconds
from devstack.cards import DemoCard
from service.reading.ocr.batch_runner import BatchStats
from service.reading.ocr.engine import Engine
from service.reading.reader import parsed_result, read_document
from service.telemetry.metrics import REGISTRY

#: The stages of a card that are timed on their own, in their order.
STAGES = ("decode", "ocr", "parse")


@dataclass(frozen=True, slots=True)
class CardText:
    """What was read from one card."""

    text: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DeviceWork:
    """Work of the GPU's thread during a run."""

    #: By network.
    inputs: Mapping[str, int]
    batches: Mapping[str, int]
    #: s in the runtime's calls, transfers included.
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Run:
    """Cost of reading all cards."""

    #: s of wall time.
    seconds: float
    #: s of each card, in the cards' order.
    latencies: Sequence[float]
    #: CPU s of this process and of the decoders that it started.
    cpu_seconds: float
    #: s of wall time by stage, all cards together.
    stages: Mapping[str, float]
    work: DeviceWork
    read: Sequence[CardText]
    gauge: Gauge

    def percentile(self, share: int) -> float:
        """Return the latency in s that so many per cent of the cards stay below."""
        if len(self.latencies) < 2:
            return max(self.latencies)
        return quantiles(self.latencies, n=100, method="inclusive")[share - 1]


def read_cards(
    cards: Sequence[DemoCard], engine: Engine, threads: int, stats: BatchStats | None = None
) -> Run:
    """Read all cards, each from its file to its fields, as jobs of a worker would.

    ``stats`` is the one of the engine's batcher; on the CPU there is none.
    """
    stats = stats or BatchStats()

    def read(card: DemoCard) -> tuple[float, CardText]:
        began = time.perf_counter()
        reading = read_document(card.content, card.document_type, engine)
        return time.perf_counter() - began, CardText(reading.text, parsed_result(reading))

    with ThreadPoolExecutor(threads) as pool:
        # The pool's threads and the decoders start before the clock does.
        list(pool.map(read, cards[:threads]))
        before, work, cpu_before = _stages(), _work(stats), cpu_seconds(os.getpid())
        began = time.perf_counter()
        with Gauge() as gauge:
            done = list(pool.map(read, cards))
        seconds = time.perf_counter() - began
    after = _stages()
    return Run(
        seconds=seconds,
        latencies=[latency for latency, _ in done],
        cpu_seconds=cpu_seconds(os.getpid()) - cpu_before,
        stages={stage: after[stage] - before[stage] for stage in STAGES},
        work=_work(stats, work),
        read=[text for _, text in done],
        gauge=gauge,
    )


def _work(stats: BatchStats, earlier: DeviceWork | None = None) -> DeviceWork:
    """Return what was done so far, or since ``earlier``."""
    since = earlier or DeviceWork({}, {}, {})
    return DeviceWork(
        inputs={name: count - since.inputs.get(name, 0) for name, count in stats.inputs.items()},
        batches={name: count - since.batches.get(name, 0) for name, count in stats.batches.items()},
        seconds={name: time - since.seconds.get(name, 0.0) for name, time in stats.seconds.items()},
    )


def _stages() -> dict[str, float]:
    """Return the s that each stage has taken so far, from the service's own metrics."""
    return {
        stage: REGISTRY.get_sample_value("filot_ocr_stage_seconds_sum", {"stage": stage}) or 0.0
        for stage in STAGES
    }
