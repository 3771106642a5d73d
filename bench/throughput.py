"""`make bench`: the whole pipeline, its engine alone and the baseline on the same cards."""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench.chart import as_svg
from bench.contenders import (
    WARM_UP_CARDS,
    Contender,
    FreshPipeline,
    Loop,
    Run,
    engine_reader,
    limited_plain_reader,
    plain_reader,
)
from bench.machine import describe_machine, has_tesseract, usable_cores
from bench.markdown import replace_block
from bench.stages import stage_milliseconds
from bench.summary import Measured, aggregate, as_bars, as_markdown, as_table
from bench.take_latency import take_latencies
from devstack.backend import FilotBackend
from devstack.cards import DemoCard, sample_cards
from devstack.servers import FilotStack, filot_stack
from devstack.servers.worker import Worker

#: Every run measures the same cards.
SEED = 2026

#: Cards, half flat and half photographed, KTP and NPWP in turn.
CARDS = 32

#: How often each contender reads all cards; even, so that each order is taken equally often.
ROUNDS = 4

#: Ids pushed one at a time for the time to take.
PUSHES = 60

#: s between two contenders, for what the first still does after its last result.
PAUSE = 0.5

#: Documents at a time in one worker.
CONCURRENCIES = (1, 2, 4)

ENGINE, PLAIN, PLAIN_LIMITED = "bare engine", "plain pytesseract", "plain, OMP_THREAD_LIMIT=1"


@dataclass(frozen=True, slots=True)
class Field:
    """The contenders that can run here, by name, and the backend of the first."""

    contenders: Mapping[str, Contender]
    backend: FilotBackend
    #: A worker that is not running, for what is measured of an idle one.
    idle: Worker


def main() -> None:
    """Measure, print the tables, and write them and the chart into a Markdown file where one is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.throughput", description=__doc__)
    parser.add_argument("--markdown", type=Path, help="replace the table between the marks in this file")
    arguments = parser.parse_args()
    console = Console()
    machine = describe_machine()
    cards = bench_cards(CARDS)
    stages = stage_milliseconds(cards)
    with opened_field(usable_cores()) as field:
        runs = compete(field.contenders, cards, ROUNDS, console)
        field.idle.start()
        latencies = take_latencies(field.backend, PUSHES, SEED)
    ways = [
        Measured(name, runs.get(name, ()), absence="Tesseract with ind and eng is not installed")
        for name in (*map(_worker_name, CONCURRENCIES), ENGINE, PLAIN, PLAIN_LIMITED)
    ]
    by_name = {way.name: way for way in ways}
    worker = by_name[_worker_name(_busiest(usable_cores()))]
    duels = [(worker, by_name[name]) for name in (PLAIN, PLAIN_LIMITED)]
    summary = aggregate(cards, ways, by_name[ENGINE], duels, latencies)
    console.print(as_table(summary))
    console.print(_stage_table(stages), markup=False, soft_wrap=True)
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()))
    if arguments.markdown:
        replace_block(
            arguments.markdown, "bench", f"{as_markdown(summary, machine)}\n\n{_stage_table(stages)}"
        )
        bars = as_bars(cards, ways)
        arguments.markdown.with_suffix(".svg").write_text(as_svg("Documents a second, same cards", bars))


def _worker_name(jobs: int) -> str:
    return f"worker, {jobs} at a time"


def _busiest(cores: int) -> int:
    """The concurrency that uses this machine: one document a core, of those that are measured."""
    return max(jobs for jobs in CONCURRENCIES if jobs <= max(1, cores))


def _stage_table(stages: Mapping[str, float]) -> str:
    whole = sum(stages.values())
    rows = [("stage", "CPU ms/card", "share"), ("---", "---:", "---:")]
    rows += [(stage, f"{spent:.1f}", f"{spent / whole:.0%}") for stage, spent in stages.items()]
    rows.append(("all", f"{whole:.1f}", ""))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def bench_cards(count: int) -> list[DemoCard]:
    """Flat and photographed cards in turn, so that every part of a run has some of each."""
    pairs = zip(sample_cards(SEED, count // 2, "flat"), sample_cards(SEED, count // 2, "photo"), strict=True)
    return [card for pair in pairs for card in pair]


@contextmanager
def opened_field(jobs: int) -> Iterator[Field]:
    """Start the servers and the processes of the loops, which read ``jobs`` cards at a time."""
    with ExitStack() as stack:
        servers = stack.enter_context(filot_stack())
        backend = stack.enter_context(FilotBackend(servers.environment()))
        workers = {number: _worker(servers, number) for number in CONCURRENCIES}
        contenders: dict[str, Contender] = {
            _worker_name(number): FreshPipeline(backend, worker) for number, worker in workers.items()
        }
        contenders[ENGINE] = stack.enter_context(Loop(engine_reader, jobs))
        if has_tesseract("ind", "eng"):
            contenders[PLAIN] = stack.enter_context(Loop(plain_reader, jobs))
            contenders[PLAIN_LIMITED] = stack.enter_context(Loop(limited_plain_reader, jobs))
        idle = workers[_busiest(jobs)]
        stack.callback(idle.stop)
        yield Field(contenders, backend, idle)


def _worker(servers: FilotStack, jobs: int) -> Worker:
    settings = {"OCR_GPU_DRIVER": "onnx", "OCR_GPU_CONCURRENCY": str(jobs)}
    return Worker(servers.sandbox, {**servers.environment(), **settings}, name=f"worker-{jobs}")


def compete(
    contenders: Mapping[str, Contender], cards: Sequence[DemoCard], rounds: int, console: Console
) -> dict[str, list[Run]]:
    """Let each contender read all cards once a round, in alternating order so that noise hits all alike."""
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
