"""`make bench`: the whole pipeline, its bare engine and the plain way, side by side on the same cards."""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench.contenders import Contender, Loop, Pipeline, Run, engine_reader, plain_reader
from bench.machine import describe_machine, has_tesseract, usable_cores
from bench.summary import Measured, as_markdown, as_table, replace_block, summarise
from bench.take_latency import take_latencies
from service.demo.backend import FilotBackend
from service.demo.cards import DemoCard, sample_cards
from service.demo.servers import filot_stack
from service.demo.servers.worker import Worker

#: Every run measures the same cards.
SEED = 2026

#: Cards, half flat and half photographed, KTP and NPWP in turn.
CARDS = 32

#: How often each contender reads all cards; even, so that each order is taken equally often. With the cards
#: above between three and four minutes on two quiet cores.
ROUNDS = 4

#: Cards that each contender reads untimed before the first round.
WARM_UP_CARDS = 4

#: Ids pushed one at a time for the time to take.
PUSHES = 60

#: s between two contenders, for what the first still does after its last result.
PAUSE = 0.5

PIPELINE, ENGINE, PLAIN = "worker, end to end", "bare engine", "plain pytesseract"


@dataclass(frozen=True, slots=True)
class Field:
    """The contenders that can run here, by name, and FiLot's side of the first."""

    contenders: Mapping[str, Contender]
    backend: FilotBackend


def main() -> None:
    """Measure, print the table, and write it into a Markdown file where one is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.throughput", description=__doc__)
    parser.add_argument("--markdown", type=Path, help="replace the table between the marks in this file")
    arguments = parser.parse_args()
    console = Console()
    machine = describe_machine()
    cards = bench_cards(CARDS)
    with opened_field(usable_cores()) as field:
        runs = compete(field.contenders, cards, ROUNDS, console)
        latencies = take_latencies(field.backend, PUSHES, SEED)
    measured = {
        name: Measured(name, runs.get(name, ()), absence="Tesseract with ind and eng is not installed")
        for name in (PIPELINE, ENGINE, PLAIN)
    }
    summary = summarise(cards, list(measured.values()), measured[ENGINE], latencies)
    console.print(as_table(summary))
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()))
    if arguments.markdown:
        replace_block(arguments.markdown, as_markdown(summary, machine))


def bench_cards(count: int) -> list[DemoCard]:
    """Flat and photographed cards in turn, so that every part of a run has some of each."""
    pairs = zip(sample_cards(SEED, count // 2, "flat"), sample_cards(SEED, count // 2, "photo"), strict=True)
    return [card for pair in pairs for card in pair]


@contextmanager
def opened_field(jobs: int) -> Iterator[Field]:
    """Start the servers, a worker on them, and the processes of the others; ``jobs`` at a time for each."""
    with ExitStack() as stack:
        servers = stack.enter_context(filot_stack())
        backend = stack.enter_context(FilotBackend(servers.environment()))
        worker = Worker(
            servers.sandbox,
            {**servers.environment(), "OCR_GPU_DRIVER": "onnx", "OCR_GPU_CONCURRENCY": str(jobs)},
        )
        worker.start()
        contenders: dict[str, Contender] = {PIPELINE: Pipeline(backend, worker)}
        contenders[ENGINE] = stack.enter_context(Loop(engine_reader, jobs))
        if has_tesseract("ind", "eng"):
            contenders[PLAIN] = stack.enter_context(Loop(plain_reader, jobs))
        yield Field(contenders, backend)


def compete(
    contenders: Mapping[str, Contender], cards: Sequence[DemoCard], rounds: int, console: Console
) -> dict[str, list[Run]]:
    """Let each contender read all cards once a round, in turn there and back: noise hits all alike."""
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for contender in contenders.values():
        contender.read(cards[:WARM_UP_CARDS])
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=rounds * len(contenders))
        for number in range(rounds):
            for name in sorted(contenders, key=list(contenders).index, reverse=number % 2 == 1):
                progress.update(task, description=f"Round {number + 1} of {rounds}: {name}")
                time.sleep(PAUSE)
                runs[name].append(contenders[name].read(cards))
                progress.advance(task)
    return runs


if __name__ == "__main__":
    main()
