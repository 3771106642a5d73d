"""`dead ...`: jobs that used up their attempts, to look at, to queue again, or to forget."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from service.cli.connections import document_id, open_database
from service.cli.output import EXIT_INPUT, console, give_up, print_json, say
from service.monitoring.formatting import camel_case

app = typer.Typer(no_args_is_help=True, help="Jobs that used up their attempts.")


@app.command("list")
def list_dead(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List them, latest first."""
    from service.store.dead_letters import list_jobs

    with open_database().transaction() as cursor:
        jobs = list_jobs(cursor)
    if as_json:
        print_json([_for_programs(job) for job in jobs])
        return
    if not jobs:
        console.print("no dead jobs")
        return
    table = Table("document", "attempts", "cause", "died at", box=None)
    for job in jobs:
        table.add_row(job.document_id, str(job.attempts), job.cause, f"{job.died_at:%Y-%m-%d %H:%M:%S} UTC")
    console.print(table)


@app.command("show")
def show_dead(document: Annotated[str, typer.Argument(metavar="DOCUMENT_ID")]) -> None:
    """Show one, as JSON."""
    from service.store.dead_letters import find

    with open_database().transaction() as cursor:
        job = find(cursor, document_id(document))
    if job is None:
        give_up(f"{document} is not among the dead jobs", EXIT_INPUT)
    print_json(_for_programs(job))


def _for_programs(job: Any) -> dict[str, Any]:
    return {
        camel_case(name): str(value) if name == "died_at" else value for name, value in asdict(job).items()
    }


@app.command("requeue")
def requeue_dead(documents: Annotated[list[str], typer.Argument(metavar="ID...")]) -> None:
    """Queue their documents again, with all attempts."""
    from service.api import enqueue_for_gpu
    from service.store import dead_letters
    from service.store.documents import reopen

    database = open_database()
    for document in map(document_id, documents):
        with database.transaction() as cursor:
            if dead_letters.find(cursor, document) is None:
                give_up(f"{document} is not among the dead jobs", EXIT_INPUT)
            reopen(cursor, document)
        # Queued before it is forgotten: what is killed in between can be typed again.
        if not enqueue_for_gpu(document):
            give_up(f"{document} was not queued: it waits or is in work, or Redis is away", EXIT_INPUT)
        with database.transaction() as cursor:
            dead_letters.drop(cursor, document)
        say(f"{document} queued again")


@app.command("drop")
def drop_dead(documents: Annotated[list[str], typer.Argument(metavar="ID...")]) -> None:
    """Forget them; their documents stay failed."""
    from service.store import dead_letters

    with open_database().transaction() as cursor:
        unknown = [
            document for document in map(document_id, documents) if not dead_letters.drop(cursor, document)
        ]
    if unknown:
        give_up(f"not among the dead jobs: {', '.join(unknown)}", EXIT_INPUT)
