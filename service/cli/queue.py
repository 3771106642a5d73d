"""`enqueue`, `requeue` and `backfill`: put documents into the queue, one by one or in bulk."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.arguments import canonical_id
from service.cli.connections import open_database, open_document_queue
from service.cli.output import (
    EXIT_ENVIRONMENT,
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    confirm,
    exit_with,
    print_line,
    progress_bar,
)
from service.monitoring.formatting import agree, pluralize

if TYPE_CHECKING:
    from collections import Counter

    from service.queue.backfill import Pace
    from service.queue.document_queue import DocumentQueue
    from service.queue.recovery import Recovery
    from service.settings import Settings

#: s between the two searches for lost documents: far longer than the backend takes from marking a row to
#: pushing its id.
RECHECK_DELAY = 3.0


def enqueue(documents: Annotated[list[str], typer.Argument(metavar="ID...")]) -> None:
    """Append documents to the GPU queue; exit code 1 when any was refused.

    A completed document is not read again: its result is published once more. An id without a row is refused:
    no worker can read it, and nobody would see its failure.
    """
    from service.store.documents import statuses

    document_queue = open_document_queue()
    canonical = {text: canonical_id(text) for text in documents}
    with open_database().transaction() as cursor:
        known = statuses(cursor, [document for document in canonical.values() if document])
    refused = 0
    for text, document in canonical.items():
        if document is None:
            reason = "it is not a UUID, as document ids are"
        elif document not in known:
            reason = "it has no row in FiLot's table `documents`; compare the id with the backend's"
        else:
            reason = "" if document_queue.enqueue(document) else _why_refused(document_queue, document)
        refused += bool(reason)
        completed = document is not None and known.get(document) == "completed"
        remark = ": it is completed, so its result is published again, not read again" if completed else ""
        print_line(f"{text} refused: {reason}" if reason else f"{document} enqueued{remark}")
    if refused:
        raise typer.Exit(EXIT_INPUT)


def _why_refused(document_queue: "DocumentQueue", document: str) -> str:
    from service.queue.keys import CPU_QUEUE_KEY, RETRY_KEY

    with document_queue.client.pipeline(transaction=True) as pipeline:
        pipeline.lpos(document_queue.settings.queue_key, document)
        pipeline.zscore(RETRY_KEY, document)
        pipeline.sismember(document_queue.settings.processing_key, document)
        pipeline.lpos(CPU_QUEUE_KEY, document)
        position, retry_at, in_work, cpu_position = pipeline.execute()
    if position is not None:
        return f"it is already queued, at position {position + 1}"
    if retry_at is not None:
        return "it waits for its next attempt"
    if cpu_position is not None:
        return "it is already queued in the backend's CPU list, which workers claim"
    return "it is in work" if in_work else "it was in the queue a moment ago"


def requeue(
    stalled: Annotated[
        bool,
        typer.Option("--stuck", help="Documents in `processing` that no worker has and no queue knows."),
    ] = False,
    reviews: Annotated[
        bool, typer.Option("--reviews", help="Reviews that were given up: request them again.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list them.")] = False,
) -> None:
    """Queue stuck documents again (--stuck), or request reviews again that were given up (--reviews).

    The workers return stuck documents by themselves as well, later.
    """
    if not stalled and not reviews:
        exit_with(
            "give --stuck or --reviews (`filot-ocr dead requeue ID` queues a dead job again)", EXIT_INPUT
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
        print_line(f"{document} its review was given up")
    requested = "would be" if dry_run else agree(len(documents), "is", "are")
    print_line(f"{pluralize(len(documents), 'review')} {requested} requested again")


def _requeue_stalled(dry_run: bool) -> None:
    from service.queue.recovery import Recovery

    document_queue = open_document_queue()
    lost = _lost_documents(Recovery(open_database(), document_queue))
    abandoned = sorted(document_queue.stalled(requeue=not dry_run))
    if not dry_run:
        lost = [document for document in lost if document_queue.enqueue_lost(document)]
    for document in abandoned:
        print_line(f"{document} in work, but its worker is gone")
    for document in lost:
        print_line(f"{document} to be processed, but in no queue")
    number = pluralize(len(abandoned) + len(lost), "document")
    print_line(f"{number} {'would be queued again' if dry_run else 'queued again'}")


def _lost_documents(recovery: "Recovery") -> list[str]:
    """Return the documents that two searches miss in Redis: after one, the backend may be about to push."""
    recovery.lost()
    time.sleep(RECHECK_DELAY)
    return sorted(recovery.lost())


def backfill(
    status: Annotated[Literal["uploaded", "failed"], typer.Option(help="Status of their rows now.")],
    document_type: Annotated[
        Literal["KTP", "NPWP"] | None,
        typer.Option("--type", case_sensitive=False, help="Only cards of this type."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of documents, oldest first.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0.01, help="Maximum number of documents per second.")] = 10.0,
    destination: Annotated[
        Literal["gpu", "cpu"] | None,
        typer.Option(
            "--queue",
            help="Where to push: this worker's queue, or the backend's CPU pipeline. "
            "Without it, as the upload flow does: gpu when OCR_GPU_ENABLED is true.",
        ),
    ] = None,
    hopeless: Annotated[
        bool,
        typer.Option(
            "--hopeless", help="With --status failed: also those cancelled, or whose file would fail again."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
) -> None:
    """Queue many documents. Says how many go where, and asks before it pushes.

    Of failed ones, only those whose same file may succeed now, unless --hopeless is given. Interrupt it and
    run it again at any time.
    """
    from service.queue import backfill as backfilling

    database, document_queue = open_database(), open_document_queue()
    found = backfilling.candidates(
        database, document_queue, backfilling.Wanted(status, document_type, hopeless)
    )
    documents, known = found.documents[:limit], found.known
    to_gpu, where = _destination(destination, document_queue.settings)
    others = f"{pluralize(known, 'other')} {agree(known, 'is', 'are')} queued or in work already"
    print_line(f"{pluralize(len(documents), 'document')} for {where}; {others}")
    if found.left_out:
        print_line(left_out_sentence(found.left_out, "--hopeless queues them, too"))
    if dry_run or not documents:
        return
    if not yes:
        confirm(f"Push {pluralize(len(documents), 'document')} to {where}?")
    pace = backfilling.Pace(rate)
    with stopped_by_ctrl_c(pace), progress_bar() as progress:
        task = progress.add_task("Queueing", total=len(documents))
        tally = backfilling.run(
            database,
            document_queue,
            documents,
            status,
            pace,
            lambda tally: progress.update(task, completed=tally.seen),
            to_gpu=to_gpu,
        )
    pushed, left = tally.fates[backfilling.Fate.PUSHED], len(documents) - tally.seen
    print_line(f"{pushed} pushed, {tally.seen - pushed} skipped (queued or changed meanwhile), {left} left")
    if tally.outage:
        exit_with(f"{tally.outage}; run it again to go on", EXIT_ENVIRONMENT)
    if pace.stopped:
        raise typer.Exit(EXIT_INTERRUPTED)


def left_out_sentence(codes: "Counter[str]", remedy: str) -> str:
    """Say how many failed documents another try would not help, by code, and how to queue them."""
    named = ", ".join(f"{code} ({number:,})" for code, number in codes.most_common())
    return (
        f"{pluralize(codes.total(), 'document')} left out, cancelled or sure to fail again: {named}; {remedy}"
    )


def _destination(chosen: Literal["gpu", "cpu"] | None, settings: "Settings") -> tuple[bool, str]:
    """Return whether documents go to the GPU queue, and the queue's name and key with the reason."""
    from service.queue.keys import CPU_QUEUE_KEY

    claimed = settings.claim_cpu_queue and not settings.gpu_enabled
    to_gpu = settings.gpu_enabled or claimed if chosen is None else chosen == "gpu"
    enabled = "true" if settings.gpu_enabled else "false"
    setting = "OCR_GPU_CLAIM_CPU_QUEUE is true" if claimed else f"OCR_GPU_ENABLED is {enabled}"
    reason = setting if chosen is None else f"--queue {chosen}"
    if to_gpu:
        return True, f"the GPU queue {settings.queue_key} ({reason})"
    return False, f"the backend's CPU pipeline {CPU_QUEUE_KEY} ({reason})"


@contextmanager
def stopped_by_ctrl_c(pace: "Pace") -> Iterator[None]:
    """Let Ctrl-C end the loop between two documents, never between a row's update and its push."""
    before = signal.signal(signal.SIGINT, lambda *_: pace.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
