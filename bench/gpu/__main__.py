"""`make bench-gpu`: cards a second on a GPU, what they cost, and whether they are read as on the CPU.

Without a usable GPU one line says why, and the exit code is 2.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console

from bench.gpu.account import Measured, as_markdown, as_table, cost_split, memory_sentence, sameness_sentence
from bench.gpu.runs import Run, read_cards
from bench.gpu.sameness import compare
from bench.machine import usable_cores
from devstack.cards import DemoCard, sample_cards
from service.errors import DeviceError
from service.reading.ocr.cuda import describe_build
from service.reading.ocr.gpu_engine import GpuEngine
from service.reading.ocr.gpu_probe import gpu_tuning, probe_gpu
from service.reading.ocr.loading import load_engine, warm_up
from service.reading.ocr.nvml import MIB, DriverView
from service.reading.ocr.sessions import load_network
from service.reading.ocr.tuning import GpuTuning
from service.reading.reader import read_document
from service.settings import Settings

#: Every run measures the same cards.
SEED = 2026

#: Exit code where there is no GPU.
NO_GPU = 2

DONE = DeviceError("the bench is done with this engine")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the same as Markdown where a file is named; returns the exit code."""
    options = _options(arguments)
    console = Console(width=120)
    settings = Settings(OCR_GPU_ENABLED=True, OCR_GPU_DRIVER="onnx")
    cpu = load_engine("onnx")
    try:
        sentences = [first_result(settings, warm_up(cpu))]
    except DeviceError as error:
        console.print(f"No GPU to measure: {error}.", soft_wrap=True)
        return NO_GPU
    cards = bench_cards(options.cards)
    sentences.insert(0, _machine(settings))
    tuning = gpu_tuning(settings)
    rows = [Measured(None, usable_cores(), read_cards(cards, cpu, usable_cores()))]
    for most in options.batches:
        rows += measure(cards, replace(tuning, max_inputs=most), options.threads)
    best = max(rows[1:], key=lambda row: len(cards) / row.run.seconds)
    sentences += [
        cost_split(best),
        sameness_sentence("the CPU", compare(best.run.read, rows[0].run.read)),
        sameness_sentence("the same networks and sizes on the CPU", compare(best.run.read, twin(cards).read)),
    ]
    best_tuning = replace(tuning, max_inputs=best.most or 1)
    if options.soak:
        many = list(islice(cycle(cards), options.soak))
        (soak,) = measure(many, best_tuning, [best.threads])
        sentences.append(memory_sentence(soak.run))
    for limit in options.limits:
        sentences.append(out_of_memory(cards, replace(best_tuning, memory_limit=limit * MIB), best))
    console.print(as_table(rows))
    console.print("\n".join(sentences), soft_wrap=True)
    if options.markdown:
        options.markdown.write_text(as_markdown(rows, sentences) + "\n")
    return 0


def first_result(settings: Settings, expected: str) -> str:
    """Describe how long a GPU takes from start to its first card; raises like ``probe_gpu``.

    The engine is closed afterwards, so that its memory is not counted with that of others.
    """
    began = time.perf_counter()
    gpu = probe_gpu(settings, expected)
    opened = time.perf_counter()
    (card,) = bench_cards(1)
    given = time.perf_counter()
    read_document(card.content, card.document_type, gpu)
    read = time.perf_counter()
    gpu.close(DONE)
    return (
        f"Opened, every shape computed once, after {opened - began:.1f} s; "
        f"the first card then took {read - given:.2f} s."
    )


def bench_cards(count: int) -> list[DemoCard]:
    """Flat and photographed cards in turn."""
    pairs = zip(sample_cards(SEED, count, "flat"), sample_cards(SEED, count, "photo"), strict=True)
    return [card for pair in pairs for card in pair][:count]


def measure(cards: Sequence[DemoCard], tuning: GpuTuning, threads: Sequence[int]) -> list[Measured]:
    """Read all cards once for each number of threads, with one engine for all of them."""
    engine = GpuEngine(tuning)
    measured = [
        Measured(tuning.max_inputs, count, read_cards(cards, engine, count, engine.batcher.stats))
        for count in threads
    ]
    engine.close(DONE)
    return measured


def twin(cards: Sequence[DemoCard]) -> Run:
    """Read all cards on the CPU with the GPU's networks and sizes, so that only the arithmetic differs.

    The worker's CPU path has an 8-bit recogniser and takes pages and lines in their own sizes.
    """
    engine = GpuEngine(GpuTuning(max_inputs=1), partial(load_network, device="cpu"))
    run = read_cards(cards, engine, threads=2)
    engine.close(DONE)
    return run


def out_of_memory(cards: Sequence[DemoCard], tuning: GpuTuning, best: Measured) -> str:
    """Read all cards with too little memory for full batches, and describe the outcome."""
    limit = (tuning.memory_limit or 0) // MIB
    try:
        engine = GpuEngine(tuning)
    except DeviceError as error:
        return f"With {limit} MiB a network no page fits: {error}."
    try:
        run = read_cards(cards, engine, best.threads)
    except DeviceError as error:
        return f"With {limit} MiB a network a card failed, which a worker then reads on the CPU: {error}."
    finally:
        engine.close(DONE)
    same = compare(run.read, best.run.read)
    return (
        f"With {limit} MiB a network: {engine.batcher.stats.too_large} batches did not fit and were made "
        f"smaller, {len(cards) / run.seconds:.1f} cards/s, {same.same_text} of {same.cards} cards with the "
        f"same text."
    )


def _machine(settings: Settings) -> str:
    view = DriverView(settings.cuda_visible_devices)
    described = f"{view.describe()}, {usable_cores()} cores, {describe_build()}."
    view.close()
    return described


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--cards", type=int, default=200, help="cards a run")
    parser.add_argument("--batches", type=_numbers, default=[1, 4, 16, 64], help="batch limits, as 1,4,16")
    parser.add_argument("--threads", type=_numbers, default=[1, 2, 4, 8, 16, 32], help="threads, as 1,2,4")
    parser.add_argument("--soak", type=int, default=10_000, help="cards of the long run; 0: none")
    parser.add_argument(
        "--limits",
        type=_numbers,
        default=[64, 192, 384],
        help="MiB a network where memory shall run out: for any page, for several, for full batches",
    )
    parser.add_argument("--markdown", type=Path, help="write the results into this file")
    return parser.parse_args(arguments)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
