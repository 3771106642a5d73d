"""`make bench-memory`: a worker's memory while it reads thousands of documents of all kinds."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import Progress

from bench.accuracy.levels import LEVELS
from bench.accuracy.samples import invent_sample
from bench.contenders import TIMEOUT
from bench.machine import describe_machine, usable_cores
from bench.markdown import replace_block
from devstack.backend import FilotBackend
from devstack.servers import filot_stack
from devstack.servers.worker import Worker

#: Different files of each level. All are queued together, again and again, and memory is looked at when they
#: are all done: files differ in what they take, so parts of them could not be compared.
CARDS_A_LEVEL = 6

#: MiB that a worker with all its processes may hold.
LIMIT = 700

#: MiB by which the last quarter of the looks may lie above the second: more is a leak.
GROWTH = 25


@dataclass(frozen=True, slots=True)
class Look:
    """Memory of the worker's processes after a number of documents, in MiB."""

    documents: int
    #: All of them together, and of that the decoders, whose part goes up and down with the last files.
    held: float
    decoders: float


def main() -> int:
    """Measure and print the table; return 1 when the memory is too high or grows."""
    options = _options()
    console = Console(soft_wrap=True)
    machine = ", ".join(f"{name} {value}" for name, value in describe_machine().items())
    looks = list(_measure(options.documents, console))
    table = _table(looks)
    quarter = len(looks) // 4
    highest = max(look.held for look in looks)
    before = max(look.held for look in looks[quarter : 2 * quarter])
    growth = max(look.held for look in looks[-quarter:]) - before
    verdict = f"Highest {highest:.0f} MiB; the last quarter {growth:+.0f} MiB to the second."
    report = f"{table}\n\n{verdict}\n\nMeasured on: {machine}."
    console.print(report, markup=False)
    if options.markdown:
        replace_block(options.markdown, "memory", report)
    return int(growth > GROWTH or highest > LIMIT)


def _measure(documents: int, console: Console) -> Iterator[Look]:
    """Read about so many documents; yield a look whenever each file was read once more."""
    cards = [invent_sample(level, seed) for level in LEVELS for seed in range(CARDS_A_LEVEL)]
    with filot_stack() as servers, FilotBackend(servers.environment()) as backend:
        settings = {"OCR_GPU_DRIVER": "onnx", "OCR_GPU_CONCURRENCY": str(usable_cores())}
        worker = Worker(servers.sandbox, {**servers.environment(), **settings})
        worker.start()
        try:
            with Progress(console=console, transient=True) as progress:
                for start in progress.track(range(0, documents, len(cards)), description="Reading"):
                    ids = [backend.add_document(card.content, card.document_type) for card in cards]
                    with backend.listen() as channel:
                        for document_id in ids:
                            backend.enqueue(document_id)
                        channel.wait_for(len(ids), timeout=TIMEOUT)
                    yield Look(start + len(cards), *_held(worker.pid))
        finally:
            worker.stop()


def _held(pid: int) -> tuple[float, float]:
    """MiB of a process and all below it, and of the decoders; shared pages counted once (PSS)."""
    root = psutil.Process(pid)
    held = decoders = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            mib = process.memory_full_info().pss / 2**20
            decoders += mib if "decoder" in process.cmdline() else 0
            held += mib
        except psutil.NoSuchProcess:
            continue  # a decoder that was replaced meanwhile
    return held, decoders


def _table(looks: list[Look]) -> str:
    shown = [look for number, look in enumerate(looks) if number == 0 or (number + 1) % 5 == 0]
    rows = [("documents read", "MiB", "of which decoders"), ("---:", "---:", "---:")]
    rows += [(f"{look.documents:,}", f"{look.held:.0f}", f"{look.decoders:.0f}") for look in shown]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--markdown", type=Path, help="page with markers to put the table into")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
