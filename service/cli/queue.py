"""`enqueue`, `requeue` and `backfill`: documents into the queue, by hand and by the thousand."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from service.cli.connections import open_database, open_ledger, spelt_as_stored
from service.cli.output import EXIT_ENVIRONMENT, EXIT_INPUT, console, give_up, say
from service.monitoring.formatting import agree, pluralize

if TYPE_CHECKING:
    from service.queue.backfill import Pace
    from service.queue.document_queue import DocumentQueue

#: s between two looks for lost documents: far longer than the backend takes from marking a row to pushing
#: its id.
BETWEEN_LOOKS = 3.0

#: Exit code of a program that Ctrl-C ended.
INTERRUPTED = 130


def enqueue(documents: Annotated[list[str], typer.Argument(metavar="ID...")]) -> None:
    """Append documents to the GPU queue; non-zero when any was refused.

    An id without a row is refused: no worker can read it, and its failure would be published for nobody.
    """
    from service.store.documents import existing

    document_queue = open_ledger()
    spelt = {text: spelt_as_stored(text) for text in documents}
    with open_database().transaction() as cursor:
        known = existing(cursor, [document for document in spelt.values() if document])
    refused = 0
    for text, document in spelt.items():
        if document is None:
            reason = "it is no UUID, as the ids of documents are"
        elif document not in known:
            reason = "FiLot has no row of it in `documents`; compare the id with the backend's"
        else:
            reason = "" if document_queue.enqueue(document) else _why_refused(document_queue, document)
        refused += bool(reason)
        say(f"{text} refused: {reason}" if reason else f"{document} enqueued")
    if refused:
        raise typer.Exit(EXIT_INPUT)


def _why_refused(document_queue: "DocumentQueue", document: str) -> str:
    from service.queue.document_queue import RETRY_KEY

    with document_queue.client.pipeline(transaction=True) as all_at_once:
        all_at_once.lpos(document_queue.settings.queue_key, document)
        all_at_once.zscore(RETRY_KEY, document)
        all_at_once.sismember(document_queue.settings.processing_key, document)
        place, due, in_work = all_at_once.execute()
    if place is not None:
        return f"it waits already, at place {place + 1} of the queue"
    if due is not None:
        return "it waits for its next attempt"
    return "it is in work" if in_work else "it was in the queue a moment ago"


def requeue(
    stalled: Annotated[
        bool, typer.Option("--stuck", help="Those in `processing` that nobody works on or knows of.")
    ] = False,
    reviews: Annotated[
        bool, typer.Option("--reviews", help="Reviews that were given up: they are asked for again.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which.")] = False,
) -> None:
    """Take up again what got stuck: documents, without the workers' own waits, or reviews."""
    if not stalled and not reviews:
        give_up(
            "say --stuck or --reviews (a dead job is queued again by `filot-ocr dead requeue ID`)", EXIT_INPUT
        )
    if stalled:
        _requeue_stalled(dry_run)
    if reviews:
        _requeue_reviews(dry_run)


def _requeue_reviews(dry_run: bool) -> None:
    from service.store import outbox

    with open_database().transaction() as cursor:
        documents = outbox.given_up(cursor)
        if not dry_run:
            for document in documents:
                outbox.try_again(cursor, document)
    for document in documents:
        say(f"{document} its review was given up")
    asked = "would be" if dry_run else agree(len(documents), "is", "are")
    say(f"{pluralize(len(documents), 'review')} {asked} asked for again")


def _requeue_stalled(dry_run: bool) -> None:
    from service.queue.recovery import Recovery

    document_queue = open_ledger()
    recovery = Recovery(open_database(), document_queue)
    recovery.lost()
    time.sleep(BETWEEN_LOOKS)
    lost = sorted(recovery.lost())
    abandoned = sorted(document_queue.stalled(requeue=not dry_run))
    if not dry_run:
        lost = [document for document in lost if document_queue.enqueue(document)]
    for document in abandoned:
        say(f"{document} in work, but its worker is gone")
    for document in lost:
        say(f"{document} to be worked on, but no queue knew it")
    say(f"{len(abandoned) + len(lost)} {'would be queued again' if dry_run else 'queued again'}")


def backfill(
    status: Annotated[Literal["uploaded", "failed"], typer.Option(help="What their rows say now.")],
    document_type: Annotated[
        Literal["KTP", "NPWP"] | None,
        typer.Option("--type", case_sensitive=False, help="Only cards of this type."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, oldest first.")] = None,
    rate: Annotated[float, typer.Option(min=0.01, help="At most so many a second.")] = 10.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
) -> None:
    """Queue many documents as the upload flow does: for the GPU when OCR_GPU_ENABLED is true, else for the
    backend's CPU pipeline. May be stopped and run again at any time.
    """
    from service.api import is_gpu_enabled
    from service.queue import backfill as filling

    database, document_queue = open_database(), open_ledger()
    documents, known = filling.candidates(database, document_queue, filling.Wanted(status, document_type))
    documents = documents[:limit]
    road = "the GPU queue" if is_gpu_enabled() else "the backend's CPU pipeline (OCR_GPU_ENABLED is false)"
    others = f"{pluralize(known, 'other')} {agree(known, 'waits or is', 'wait or are')} in work already"
    say(f"{pluralize(len(documents), 'document')} for {road}; {others}")
    if dry_run or not documents:
        return
    pace = filling.Pace(rate)
    with _stopped_by_ctrl_c(pace), _progress() as progress:
        task = progress.add_task("Queueing", total=len(documents))
        tally = filling.run(
            database,
            document_queue,
            documents,
            status,
            pace,
            lambda tally: progress.update(task, completed=tally.seen),
        )
    pushed, left = tally.fates[filling.Fate.PUSHED], len(documents) - tally.seen
    say(f"{pushed} pushed, {tally.seen - pushed} skipped: someone else was faster; {left} left")
    if tally.outage:
        give_up(f"{tally.outage}; run it again to go on", EXIT_ENVIRONMENT)
    if pace.stopped:
        raise typer.Exit(INTERRUPTED)


@contextmanager
def _stopped_by_ctrl_c(pace: "Pace") -> Iterator[None]:
    """Let Ctrl-C end the loop between two documents, never between a row and its place in the queue."""
    before = signal.signal(signal.SIGINT, lambda *_: pace.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        # Where nobody sees it move, it would only be a line that is out of date.
        disable=not console.is_terminal,
    )
