"""`erase`: what this service itself keeps of one document, gone on request."""

from typing import Annotated

import typer

from service.cli.connections import document_id, open_database, open_ledger
from service.cli.output import EXIT_INPUT, give_up, say
from service.monitoring.formatting import pluralize


def erase(
    document: Annotated[str, typer.Argument(metavar="DOCUMENT_ID")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove what our own tables and Redis keys hold of a document; FiLot's row and file are left alone."""
    from service.queue.erasure import Erased, InWorkError
    from service.queue.erasure import erase as remove

    document = document_id(document)
    if not yes:
        typer.confirm(f"Remove everything that the OCR worker itself keeps of {document}?", abort=True)
    try:
        erased: Erased = remove(open_database(), open_ledger(), document)
    except InWorkError as error:
        give_up(f"{error}: nothing was removed; try again when it is done", EXIT_INPUT)
    say(
        f"removed: {pluralize(erased.outbox_entries, 'note')} of what is told to whom,"
        f" {pluralize(erased.dead_jobs, 'dead job')}, {pluralize(erased.claims, 'claim')},"
        f" {pluralize(erased.job_records, 'ending')}, {pluralize(erased.redis_fields, 'field')} in Redis"
    )
    if erased.undelivered:
        say(f"{erased.undelivered} of the notes had not been told yet, and will not be")
    if erased.review_rows:
        rows = pluralize(erased.review_rows, "row")
        say(f"FiLot's own {rows} in `manual_reviews` and what the review service keeps were left alone, too")
    if erased.row_remains:
        say(
            "FiLot's own row in `documents`, with what was read, and the file are the backend's:"
            " they were left alone"
        )
    else:
        say("FiLot has no row of this document")
