"""`dead`: list, show, requeue or drop jobs that used up their attempts."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from service.cli.arguments import canonical_id, id_beginning, matching_id
from service.cli.connections import open_database
from service.cli.output import EXIT_INPUT, console, exit_with, local_time, print_json, print_line, whole
from service.monitoring.formatting import camel_case

if TYPE_CHECKING:
    from service.store.dead_letters import DeadJob

app = typer.Typer(no_args_is_help=True, help="Jobs that used up their attempts.")


@app.command("list")
def list_dead(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List dead jobs, latest first."""
    jobs = _dead_jobs()
    if as_json:
        print_json([_as_json(job) for job in jobs])
        return
    if not jobs:
        console.print("no dead jobs")
        return
    table = Table(whole("document"), "tries", "cause", whole("died at"), box=None)
    for job in jobs:
        table.add_row(job.document_id, str(job.attempts), job.cause, local_time(job.died_at))
    console.print(table)


@app.command("show")
def show_dead(document: Annotated[str, typer.Argument(metavar="DOCUMENT_ID")]) -> None:
    """Show a dead job as JSON. The first characters of the id are enough."""
    jobs = {job.document_id: job for job in _dead_jobs()}
    found = matching_id(document, jobs)
    if found is None:
        exit_with(f"{document} is not among the dead jobs", EXIT_INPUT)
    print_json(_as_json(jobs[found]))


def _dead_jobs() -> "list[DeadJob]":
    from service.store.dead_letters import list_jobs

    with open_database().transaction() as cursor:
        return list_jobs(cursor)


def _as_json(job: "DeadJob") -> dict[str, Any]:
    return {
        camel_case(name): value.isoformat() if name == "died_at" else value
        for name, value in asdict(job).items()
    }


@app.command("requeue")
def requeue_dead(documents: Annotated[list[str], typer.Argument(metavar="ID...")]) -> None:
    """Queue the documents of dead jobs again, with all attempts.

    The first 8 characters of an id are enough, or more where several begin so.
    """
    from service.api import enqueue_for_gpu
    from service.store import dead_letters
    from service.store.documents import reopen

    database = open_database()
    with database.transaction() as cursor:
        dead = [job.document_id for job in dead_letters.list_jobs(cursor)]
    for document in [_dead_id(text, dead) for text in documents]:
        with database.transaction() as cursor:
            if dead_letters.find(cursor, document) is None:
                exit_with(f"{document} is not among the dead jobs", EXIT_INPUT)
            reopen(cursor, document)
        # Queued before the dead job is deleted: after a crash in between, the command can be repeated.
        if not enqueue_for_gpu(document):
            exit_with(
                f"{document} was not queued: it is queued or in work already, or Redis is down", EXIT_INPUT
            )
        with database.transaction() as cursor:
            dead_letters.drop(cursor, document)
        print_line(f"{document} queued again")


def _dead_id(text: str, dead: list[str]) -> str:
    canonical = canonical_id(text)
    found = canonical or matching_id(id_beginning(text), dead)
    if found is None:
        exit_with(f"{text} is not among the dead jobs; nothing is done", EXIT_INPUT)
    return found


@app.command("drop")
def drop_dead(documents: Annotated[list[str], typer.Argument(metavar="ID...")]) -> None:
    """Delete dead jobs; their documents stay failed.

    The first 8 characters of an id are enough, or more where several begin so.
    """
    from service.store import dead_letters

    with open_database().transaction() as cursor:
        dead = [job.document_id for job in dead_letters.list_jobs(cursor)]
        ids = [_dead_id(text, dead) for text in documents]
        unknown = [document for document in ids if not dead_letters.drop(cursor, document)]
    if unknown:
        exit_with(f"not among the dead jobs: {', '.join(unknown)}", EXIT_INPUT)
