"""`filot-ocr demo`: the main job on real servers, with invented cards, from upload to decision.

Documents take the route that the backend has today: its process route and its CPU list, from which the worker
claims them. The review service then approves one card that went to a person.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from devstack.backend import FilotBackend
from devstack.callbacks import serve_callbacks
from devstack.cards import DemoCard, demo_cards
from devstack.comparison import FieldComparison, compare_fields, tally
from devstack.report import ReportEntry, write_report
from devstack.servers import FilotStack, filot_stack
from devstack.servers.worker import Worker
from service.monitoring.heartbeat import HEARTBEAT_PREFIX
from service.queue.document_queue import WATCH_KEY
from service.reading.ocr.loading import load_engine
from service.reading.overlay import draw_overlay
from service.reading.reader import read_document

#: Every run shows the same cards.
SEED = 2026

#: s that all cards together may take, far more than any machine needs.
TIMEOUT = 300.0

#: s until the reviews are all requested after the last result.
REVIEW_TIMEOUT = 30.0

#: Share of printed fields that must be right on cards that are flat or photographed.
MIN_RIGHT = 0.98
JUDGED_LEVELS = frozenset({"flat", "photo", "scan", "turned"})

#: Colours of outcomes on a terminal.
_COLOURS = {"auto_approved": "green", "pending_manual_review": "yellow", "failed": "red"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A card and its result."""

    card: DemoCard
    document_id: str
    #: The published result.
    result: dict[str, Any]
    #: FiLot's row afterwards.
    row: dict[str, Any]

    @property
    def fields(self) -> tuple[FieldComparison, ...]:
        """The card's true fields beside the published ones."""
        return compare_fields(self.card.truth, self.result.get("parsedResult", {}))

    def complaints(self) -> Iterator[str]:
        """Yield a sentence for each thing that is not as expected."""
        outcome = self.result.get("outcome")
        if outcome != self.card.expected_outcome:
            yield f"{self.card.name}: {outcome}, expected {self.card.expected_outcome}"
        if self.row["status"] != "completed" or self.row["verification_status"] != outcome:
            yield f"{self.card.name}: the row says {self.row['status']}, {self.row['verification_status']}"
        if outcome == "pending_manual_review" and not self.row["buli2_ticket_id"]:
            yield f"{self.card.name}: no review was requested"


def run_demo(report: Path) -> int:
    """Run everything, print the table and write the report; return 0 when all is as expected, else 1.

    On a terminal, the worker and its page stay until Ctrl-C.
    """
    # A pipe or a file has no width of its own; the table needs this much.
    console = Console() if sys.stdout.isatty() else Console(width=110)
    console.print("Starting Redis (Valkey), PostgreSQL, an S3 server and a review service ...")
    cards = demo_cards(SEED)
    with (
        filot_stack() as stack,
        FilotBackend(stack.environment()) as backend,
        serve_callbacks(backend) as callback_url,
        _running_worker(stack, callback_url, console) as worker,
    ):
        outcomes = _process(backend, cards, console)
        complaints = [complaint for outcome in outcomes for complaint in outcome.complaints()]
        complaints += _left_behind(backend)
        complaints += _approve_one(stack, backend, outcomes, console)
        console.print(_table(outcomes))
        complaints += _too_many_wrong(outcomes)
        _report(report, outcomes, console)
        for complaint in complaints:
            console.print(f"NOT AS EXPECTED  {complaint}", style="bold red", markup=False)
        _say_what_next(report, _keep(cards, report.parent / "cards"), console)
        if sys.stdin.isatty() and sys.stdout.isatty():
            _show_page(worker, console)
    return 1 if complaints else 0


def _say_what_next(report: Path, card: Path, console: Console) -> None:
    """Name the report, and two commands to try: as they can be typed here."""
    program = Path(sys.argv[0])
    command = os.path.relpath(program) if program.name == "filot-ocr" else "filot-ocr"
    console.print(f"\nEach card with its boxes and fields: {report}", soft_wrap=True)
    console.print("To try next:", soft_wrap=True)
    for arguments in (f"read {card} --overlay {report.parent / 'read.png'}", f"read {card.parent} --csv"):
        console.print(f"  {command} {arguments}", markup=False, highlight=False, soft_wrap=True)


def _show_page(worker: Worker, console: Console) -> None:
    """Let the worker run until Ctrl-C, so that its page can be looked at."""
    console.print(f"The worker's status page, until Ctrl-C: http://127.0.0.1:{worker.port}/", soft_wrap=True)
    with suppress(KeyboardInterrupt):
        while worker.get("/health") is not None:
            time.sleep(1)


@contextmanager
def _running_worker(stack: FilotStack, callback_url: str, console: Console) -> Iterator[Worker]:
    console.print("Starting the worker: engine `onnx`, claiming from `filot:ocr:queue` ...")
    settings = {
        **stack.environment(),
        "OCR_GPU_DRIVER": "onnx",
        "OCR_GPU_CLAIM_CPU_QUEUE": "true",
        "BULI2_CALLBACK_URL": callback_url,
    }
    worker = Worker(stack.sandbox, settings)
    worker.start()
    yield worker
    worker.stop()


def _process(backend: FilotBackend, cards: list[DemoCard], console: Console) -> list[Outcome]:
    with backend.listen() as channel, Progress(console=console, transient=True) as progress:
        task = progress.add_task("Reading cards", total=len(cards))
        by_id = {}
        for card in cards:
            suffix = Path(card.filename).suffix.removeprefix(".")
            by_id[backend.add_document(card.content, card.document_type, extension=suffix)] = card
        for document_id in by_id:
            backend.process(document_id)
        deadline = time.monotonic() + TIMEOUT
        for count in range(1, len(cards) + 1):
            results = channel.wait_for(count, timeout=deadline - time.monotonic())
            progress.update(task, completed=count)
    _wait_for_reviews(backend)
    by_document = {result["documentId"]: result for result in results}
    return [
        Outcome(card, document_id, by_document[document_id], backend.row(document_id))
        for document_id, card in by_id.items()
    ]


def _wait_for_reviews(backend: FilotBackend) -> None:
    """Wait until all reviews are requested, which follows the results in another thread of the worker."""
    deadline = time.monotonic() + REVIEW_TIMEOUT
    waiting = """SELECT id FROM documents
                 WHERE verification_status = 'pending_manual_review' AND buli2_ticket_id IS NULL"""
    while backend.execute(waiting) and time.monotonic() < deadline:
        time.sleep(0.1)


def _approve_one(
    stack: FilotStack, backend: FilotBackend, outcomes: list[Outcome], console: Console
) -> list[str]:
    """Let the review service approve the first card that went to a person, by the URL that it was given."""
    outcome = next(each for each in outcomes if each.result.get("outcome") == "pending_manual_review")
    status = stack.reviews.decide(outcome.document_id, "approved")
    row = backend.row(outcome.document_id)
    if row["verification_status"] != "manually_approved":
        return [f"{outcome.card.name}: the decision got HTTP {status}, the row {row['verification_status']}"]
    console.print(f"A person approved {outcome.card.name}: its row says {row['verification_status']}.")
    return []


def _left_behind(backend: FilotBackend) -> list[str]:
    """Return a complaint about keys of jobs, which are all gone when the work is done."""
    living = (HEARTBEAT_PREFIX, WATCH_KEY)
    keys = [key for key in map(str, backend.redis.keys("*")) if not key.startswith(living)]
    return [f"left behind in Redis: {', '.join(keys)}"] if keys else []


def _too_many_wrong(outcomes: list[Outcome]) -> list[str]:
    judged = [outcome for outcome in outcomes if outcome.card.level in JUDGED_LEVELS]
    right, printed = tally(field for outcome in judged for field in outcome.fields)
    if right >= MIN_RIGHT * printed:
        return []
    return [f"{right} of {printed} fields right, {MIN_RIGHT:.0%} are expected"]


def _keep(cards: list[DemoCard], folder: Path) -> Path:
    """Write the cards to files for further trials; return the first, a clean identity card."""
    folder.mkdir(parents=True, exist_ok=True)
    for card in cards:
        (folder / card.filename).write_bytes(card.content)
    return folder / cards[0].filename


def _report(path: Path, outcomes: list[Outcome], console: Console) -> None:
    """Write the HTML report. Published results hold no boxes, so the cards are read once more."""
    engine = load_engine("onnx")
    entries = []
    with Progress(console=console, transient=True) as progress:
        for outcome in progress.track(outcomes, description="Drawing the report"):
            card, result = outcome.card, outcome.result
            reading = read_document(card.content, card.document_type, engine)
            page = reading.page
            confidences = {key: field.confidence for key, field in reading.fields.items()}
            entries.append(
                ReportEntry(
                    name=card.name,
                    document_type=card.document_type,
                    level=card.level,
                    outcome=str(result.get("outcome", "failed")),
                    expected_outcome=card.expected_outcome,
                    score=result.get("score"),
                    device=_device(result),
                    milliseconds=result["processingTimeMs"],
                    picture=draw_overlay(page.image, page.lines, reading.fields),
                    fields=compare_fields(card.truth, result.get("parsedResult", {}), confidences),
                    note=", ".join(result.get("reviewReasons", [])) or result.get("error", ""),
                )
            )
    right, printed = tally(field for entry in entries for field in entry.fields)
    write_report(path, entries, {"cards": str(len(outcomes)), "fields right": f"{right} of {printed}"})


def _device(result: dict[str, Any]) -> str:
    return "cuda" if result["gpuProcessed"] else "cpu"


def _table(outcomes: list[Outcome]) -> Table:
    # Without lines and in 80 columns, which is what a terminal has at least.
    table = Table(title="What the worker made of the cards", box=None, padding=(0, 1, 0, 0))
    for heading in ("document", "type", "outcome"):
        table.add_column(heading, no_wrap=True)
    for heading in ("score", "fields\nright", "device", "ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in outcomes:
        result = outcome.result
        outcome_text = str(result.get("outcome", "failed"))
        table.add_row(
            outcome.card.name,
            outcome.card.document_type,
            Text(outcome_text, style=_COLOURS[outcome_text]),
            str(result.get("score", "")),
            "{} of {}".format(*tally(outcome.fields)),
            _device(result),
            str(result["processingTimeMs"]),
        )
    return table
