"""Measures what a status page that is loaded every second costs the worker: with and without, in turn."""

import argparse
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.contenders import Pipeline, Run
from bench.machine import describe_machine, usable_cores
from bench.processes import cpu_seconds
from bench.throughput import bench_cards
from devstack.backend import FilotBackend
from devstack.cards import DemoCard
from devstack.servers import filot_stack
from devstack.servers.http import request
from devstack.servers.worker import Worker

#: Cards that are read in one run, and how often with and without the page; even, so that each order is
#: taken equally often.
CARDS, ROUNDS = 32, 6

#: Cards that are read untimed at first.
WARM_UP_CARDS = 4

#: s between two loads of the page.
INTERVAL = 1.0

#: Documents that have ended in the hour before, for the page to sum up: one a second.
HISTORY = 3600

#: s that an idle worker is watched with and without the page, for what a load costs by itself.
IDLE = 30.0

#: What a browser asks for when it opens the page.
PATHS = ("/", "/status.json")

WITHOUT, WITH = "without", "loaded every second"


class Viewer:
    """Loads the page every second in a thread of its own and records the response times."""

    def __init__(self, port: int) -> None:
        self.port = port
        #: s that each answer of `/status.json` took.
        self.times: list[float] = []
        self._closed = threading.Event()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look while the context lasts."""
        self._closed.clear()
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._closed.set()
            thread.join()

    def _look(self) -> None:
        while not self._closed.wait(INTERVAL):
            for path in PATHS:
                started = time.perf_counter()
                status, _ = request(self.port, "GET", path)
                assert status == HTTPStatus.OK
            self.times.append(time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured."""

    runs: Mapping[str, Sequence[Run]]
    #: CPU s of the idle worker in a second.
    idle: Mapping[str, float]
    #: s that the figures took while cards were read.
    times: Sequence[float]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.status_page", description=__doc__)
    parser.add_argument("--cards", type=int, default=CARDS, help="cards in one run")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs with and without the page")
    arguments = parser.parse_args()
    machine = describe_machine()
    findings = measure(bench_cards(arguments.cards), arguments.rounds)
    # Into a file, no column is squeezed.
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(as_table(findings, arguments.cards))
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()))


def measure(cards: Sequence[DemoCard], rounds: int) -> Findings:
    """Read the cards with and without a viewer, in alternating order so that noise hits both alike."""
    with filot_stack() as servers, FilotBackend(servers.environment()) as backend:
        jobs = str(usable_cores())
        environment = {**servers.environment(), "OCR_GPU_DRIVER": "onnx", "OCR_GPU_CONCURRENCY": jobs}
        worker = Worker(servers.sandbox, environment)
        worker.start()
        _fill_history(backend)
        pipeline, viewer = Pipeline(backend, worker), Viewer(worker.port)
        pipeline.read(cards[:WARM_UP_CARDS])
        runs: dict[str, list[Run]] = {WITHOUT: [], WITH: []}
        for number in range(rounds):
            for way in (WITHOUT, WITH) if number % 2 == 0 else (WITH, WITHOUT):
                if way == WITH:
                    with viewer.looking():
                        runs[way].append(pipeline.read(cards))
                else:
                    runs[way].append(pipeline.read(cards))
        times = list(viewer.times)
        idle = {WITHOUT: _idle_cpu(worker)}
        with viewer.looking():
            idle[WITH] = _idle_cpu(worker)
        return Findings(runs, idle, times)


def _fill_history(backend: FilotBackend) -> None:
    backend.execute(
        "INSERT INTO ocr_worker.endings"
        " (job_id, document_id, document_type, outcome, device, score, milliseconds, ended_at)"
        " SELECT gen_random_uuid(), gen_random_uuid()::text, 'KTP', 'auto_approved', 'cpu', 90,"
        " 300 + mod(number * 37, 700), now() - number * interval '1 second'"
        " FROM generate_series(1, %s) AS number",
        HISTORY,
    )


def _idle_cpu(worker: Worker) -> float:
    before = cpu_seconds(worker.pid)
    time.sleep(IDLE)
    return (cpu_seconds(worker.pid) - before) / IDLE


def as_table(findings: Findings, cards: int) -> Table:
    """The table for a terminal; shares are those of runs of one round."""
    table = Table(title=f"{cards} cards, {len(findings.runs[WITH])} rounds, medians (least to most)")
    columns = ("", "documents/s", "CPU s/document", "servers' CPU s/document", "idle worker, CPU ms/s")
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    for way, runs in findings.runs.items():
        table.add_row(
            way,
            _spread([cards / run.seconds for run in runs], ".2f"),
            _spread([run.cpu_seconds / cards for run in runs], ".3f"),
            _spread([run.other_cpu_seconds / cards for run in runs], ".3f"),
            f"{findings.idle[way] * 1000:.1f}",
        )
    pairs = list(zip(findings.runs[WITHOUT], findings.runs[WITH], strict=True))
    table.add_row(
        "with, of without",
        _spread([without.seconds / other.seconds for without, other in pairs], ".0%"),
        _spread([other.cpu_seconds / without.cpu_seconds for without, other in pairs], ".0%"),
        _spread([other.other_cpu_seconds / without.other_cpu_seconds for without, other in pairs], ".0%"),
        "",
    )
    middle, worst = median(findings.times) * 1000, max(findings.times) * 1000
    load = (findings.idle[WITH] - findings.idle[WITHOUT]) * 1000 * INTERVAL
    table.caption = (
        f"A load costs an idle worker {load:.1f} ms of CPU time. While cards were read the "
        f"figures came after {middle:.0f} ms at the median and {worst:.0f} ms at most, "
        f"{len(findings.times)} times."
    )
    return table


def _spread(values: Sequence[float], form: str) -> str:
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


if __name__ == "__main__":
    main()
