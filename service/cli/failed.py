"""`failed list`, `failed show` and `retry`: documents that failed in the last day."""

from collections import Counter
from dataclasses import asdict
from difflib import get_close_matches
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from service.cli.arguments import duration, matching_id
from service.cli.connections import open_database, open_document_queue
from service.cli.operate import record
from service.cli.output import (
    EXIT_ENVIRONMENT,
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    confirm,
    console,
    exit_with,
    local_time,
    print_json,
    print_line,
    progress_bar,
    whole,
)
from service.cli.queue import left_out_sentence, stopped_by_ctrl_c
from service.monitoring.formatting import camel_case, pluralize

if TYPE_CHECKING:
    from service.store.failed_documents import FailedDocument

app = typer.Typer(no_args_is_help=True, help="Documents that failed in the last day.")

#: s for which failures are kept.
KEPT = 86_400

Code = Annotated[str | None, typer.Option("--code", help="Only failures with this code.")]
Since = Annotated[
    str, typer.Option("--since", metavar="DURATION", help="How far to look back: 30m, 2h; a day at most.")
]


@app.command("list")
def list_failed(
    code: Code = None,
    since: Since = "1d",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List failed documents by code, with what the user was told."""
    failures = _failures(since, code)
    if as_json:
        print_json([_as_json(failure) for failure in failures])
        return
    if not failures:
        console.print("no failed documents")
        return
    for each, same in groupby(failures, lambda failure: failure.code):
        documents = list(same)
        print_line(f"{each}: {pluralize(len(documents), 'document')}")
        for sentence in sorted({failure.error for failure in documents if failure.error}):
            console.print(Padding(Text(sentence), (0, 0, 0, 2), expand=False))
        table = Table(whole("document"), "type", whole("failed at"), "status now", box=None)
        for failure in documents:
            table.add_row(
                *(failure.document_id, failure.document_type, local_time(failure.failed_at)),
                failure.status or "no row",
            )
        console.print(table)


@app.command("show")
def show_failed(document: Annotated[str, typer.Argument(metavar="DOCUMENT_ID")]) -> None:
    """Show the latest failure of a document as JSON. The first characters of the id are enough."""
    failures = {each.document_id: each for each in _failures("1d", None)}
    found = matching_id(document, failures)
    if found is None:
        exit_with(f"{document} did not fail in the last day", EXIT_INPUT)
    print_json(_as_json(failures[found]))


def retry(
    failed: Annotated[
        bool, typer.Option("--failed", help="Documents whose row is failed and that failed in the last day.")
    ] = False,
    code: Code = None,
    since: Since = "1d",
    rate: Annotated[float, typer.Option(min=0.01, help="Maximum number of documents per second.")] = 10.0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list them.")] = False,
) -> None:
    """Queue failed documents again (--failed), with all attempts. Asks before it does.

    Without --code, only those whose same file may succeed now: the bucket, its rights or a worker was at
    fault.
    """
    from service.queue import backfill
    from service.store.failed_documents import RETRY_HELPS

    if not failed:
        exit_with("give --failed for all of them; --code and --since narrow the choice", EXIT_INPUT)
    failures = [each for each in _failures(since, code) if each.status == "failed"]
    documents = [each.document_id for each in failures if code or each.code in RETRY_HELPS]
    left_out = [each for each in failures if not code and each.code not in RETRY_HELPS]
    if dry_run:
        for document in documents:
            print_line(document)
        print_line(f"{pluralize(len(documents), 'document')} would be queued again")
    if left_out:
        codes = Counter(each.code for each in left_out)
        print_line(left_out_sentence(codes, "--code queues those of one code"))
    if dry_run:
        return
    if documents and not yes:
        confirm(f"Queue {pluralize(len(documents), 'document')} again?")
    pace, database = backfill.Pace(rate), open_database()
    with stopped_by_ctrl_c(pace), progress_bar() as progress:
        task = progress.add_task("Queueing", total=len(documents))
        tally = backfill.run(
            database,
            open_document_queue(),
            documents,
            "failed",
            pace,
            lambda tally: progress.update(task, completed=tally.seen),
            to_gpu=True,
        )
    if tally.seen:
        record(database, "retry", f"code {code or 'any'}, since {since}", documents[: tally.seen])
    pushed = tally.fates[backfill.Fate.PUSHED]
    print_line(f"{pluralize(pushed, 'document')} queued again, {len(documents) - pushed} not")
    if tally.outage:
        exit_with(f"{tally.outage}; run it again to go on", EXIT_ENVIRONMENT)
    if pace.stopped:
        raise typer.Exit(EXIT_INTERRUPTED)


def _failures(since: str, code: str | None) -> "list[FailedDocument]":
    """List the failures that the options choose; end the command when they cannot mean anything."""
    from service.store.failed_documents import list_failed as failed_documents
    from service.store.history import UNKNOWN
    from service.telemetry.metrics import FAILURE_CODES

    known = [*FAILURE_CODES, UNKNOWN]
    if code is not None and code not in known:
        nearest = get_close_matches(code, known, 1)
        advice = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(known)}"
        exit_with(f"there is no failure code {code}: {advice}", EXIT_INPUT)
    seconds = duration(since)
    if seconds > KEPT:
        exit_with("failures are kept for a day: --since is at most 1d", EXIT_INPUT)
    with open_database().transaction() as cursor:
        return failed_documents(cursor, seconds, code)


def _as_json(failure: "FailedDocument") -> dict[str, Any]:
    return {
        camel_case(name): value.isoformat() if name == "failed_at" else value
        for name, value in asdict(failure).items()
    }
