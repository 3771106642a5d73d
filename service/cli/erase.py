"""`erase`: delete what this service itself keeps of one document."""

from typing import Annotated

import typer

from service.cli.arguments import canonical_id
from service.cli.connections import open_database, open_document_queue
from service.cli.output import EXIT_INPUT, confirm, exit_with, print_line
from service.monitoring.formatting import pluralize


def erase(
    document: Annotated[str, typer.Argument(metavar="DOCUMENT_ID")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Delete a document from the worker's own tables and Redis keys; FiLot's row and file stay."""
    from service.queue.erasure import Erased, InWorkError
    from service.queue.erasure import erase as erase_document

    whole = canonical_id(document)
    if whole is None:
        exit_with(f"{document} is not a document id: erase needs the whole id", EXIT_INPUT)
    document = whole
    if not yes:
        confirm(f"Delete everything that the OCR worker itself keeps of {document}?")
    try:
        erased: Erased = erase_document(open_database(), open_document_queue(), document)
    except InWorkError as error:
        exit_with(f"{error}: nothing was deleted; try again when it has finished", EXIT_INPUT)
    entries = "1 outbox entry" if erased.outbox_entries == 1 else f"{erased.outbox_entries} outbox entries"
    print_line(
        f"deleted: {entries}, {pluralize(erased.dead_jobs, 'dead job')}, {pluralize(erased.claims, 'claim')},"
        f" {pluralize(erased.job_records, 'job record')}, {pluralize(erased.redis_fields, 'Redis field')}"
    )
    if erased.undelivered:
        print_line(f"{erased.undelivered} of the outbox entries had not been delivered, and will not be")
    if erased.review_rows:
        rows = pluralize(erased.review_rows, "row")
        print_line(f"FiLot's own {rows} in `manual_reviews`, and the review service's copy, were not touched")
    if erased.row_remains:
        print_line(
            "FiLot's own row in `documents`, with the text that was read, and the file belong to the backend:"
            " they were not touched"
        )
    else:
        print_line("FiLot has no row of this document")
