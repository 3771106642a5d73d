"""`pause`, `resume`, `drain` and `cancel`: what an operator does to the workers and their queue."""

import getpass
import socket
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.arguments import canonical_id, duration, id_beginning, matching_id
from service.cli.connections import open_database, open_document_queue, open_redis
from service.cli.output import EXIT_ENVIRONMENT, EXIT_INPUT, confirm, console, exit_with, print_line
from service.errors import OcrWorkerError
from service.monitoring.formatting import agree, pluralize

if TYPE_CHECKING:
    from service.queue.operator_pause import OperatorPause
    from service.store.database import Database

#: s between two looks of `drain` at what is in work.
DRAIN_INTERVAL = 0.5

Reason = Annotated[str, typer.Option("--why", help="Reason, for whoever asks later. No personal data.")]


def operator() -> str:
    """Return who runs the command: user and machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def record(database: "Database", action: str, reason: str = "", documents: Sequence[str] = ()) -> None:
    """Log an act and insert it into `ocr_worker.actions`; end with exit code 2 when it cannot be inserted."""
    import structlog

    from service.settings import current_settings
    from service.store import actions
    from service.telemetry.logging import configure_logs

    configure_logs(current_settings().log_level)
    structlog.get_logger(__name__).info(
        "operator_action", action=action, operator=operator(), reason=reason, documents=len(documents)
    )
    try:
        with database.transaction() as cursor:
            actions.put(cursor, operator(), action, reason, documents)
    except OcrWorkerError as error:
        exit_with(f"{action} is done, but not recorded in ocr_worker.actions: {error}", EXIT_ENVIRONMENT)


def pause(
    reason: Reason,
    limit: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="End by itself after 90s, 30m, 2h or 1d.")
    ] = None,
) -> None:
    """Stop all workers from taking documents; the queue keeps them. Jobs in work are finished.

    The pause outlives restarts of workers. The status page and the alarms show who paused, and why.
    """
    from service.queue import operator_pause

    if not reason.strip():
        exit_with("--why is empty: say in a few words why nothing is read", EXIT_INPUT)
    seconds = None if limit is None else duration(limit)
    client = open_redis()
    before = operator_pause.current_pause(client)
    paused = operator_pause.pause(client, operator(), reason, seconds)
    record(open_database(), "pause", reason)
    print_line(f"All workers are {paused.sentence()}")
    _replaced(before)
    if limit is None:
        print_line("`filot-ocr resume` ends the pause.")


def resume(reason: Reason = "") -> None:
    """Let all workers take documents again after `pause` or `drain`."""
    from service.queue import operator_pause

    if not operator_pause.resume(open_redis()):
        exit_with("the workers are not paused", EXIT_INPUT)
    record(open_database(), "resume", reason)
    print_line("All workers take documents again")


def drain(
    reason: Reason = "drain",
    limit: Annotated[
        str | None,
        typer.Option("--timeout", metavar="DURATION", help="Give up waiting after 90s, 30m, 2h or 1d."),
    ] = None,
) -> None:
    """Pause all workers, wait until nothing is in work any more, then exit with 0; `resume` ends the pause.

    Exit code 1: jobs were still in work after --timeout. The workers stay paused.
    """
    from service.queue import operator_pause

    deadline = None if limit is None else time.monotonic() + duration(limit)
    client = open_redis()
    before = operator_pause.current_pause(client)
    operator_pause.pause(client, operator(), reason, None)
    record(open_database(), "drain", reason)
    _replaced(before)
    count_running = _running_jobs()
    with console.status("") as spinner:
        while running := count_running():
            if deadline is not None and time.monotonic() >= deadline:
                exit_with(
                    f"{pluralize(running, 'job')} {agree(running, 'is', 'are')} still in work;"
                    " the workers stay paused",
                    EXIT_INPUT,
                )
            spinner.update(f"{pluralize(running, 'job')} in work")
            time.sleep(DRAIN_INTERVAL)
    print_line("Nothing is in work. All workers are paused; `filot-ocr resume` ends the pause.")


def cancel(
    documents: Annotated[list[str], typer.Argument(metavar="ID...")],
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Take documents out of the queue, also those in work; their rows become failed.

    The first 8 characters of an id are enough, or more where several begin so.

    Exit code 1: a document was neither queued nor in work.
    """
    from service.queue.cancellation import cancel as cancel_document

    database = open_database()
    ids = [canonical_id(text) or _id_of_row(database, text) for text in documents]
    if not yes:
        rows = agree(len(ids), "Its row becomes", "Their rows become")
        confirm(f"Cancel {pluralize(len(ids), 'document')}? {rows} failed.")
    document_queue = open_document_queue()
    cancelled = []
    for document in ids:
        state = cancel_document(database, document_queue, document)
        if state is None:
            print_line(f"{document} is neither queued nor in work")
        else:
            cancelled.append(document)
            print_line(f"{document} cancelled: it was {state}")
    if cancelled:
        record(database, "cancel", reason, cancelled)
    if len(cancelled) < len(ids):
        raise typer.Exit(EXIT_INPUT)


def _id_of_row(database: "Database", text: str) -> str:
    from service.store.documents import beginning_with

    beginning = id_beginning(text)
    with database.transaction() as cursor:
        found = matching_id(beginning, beginning_with(cursor, beginning))
    if found is None:
        exit_with(f"no document's id begins with {text}; nothing is done", EXIT_INPUT)
    return found


def _replaced(before: "OperatorPause | None") -> None:
    if before is not None:
        print_line(f"This replaces an earlier pause: {before.sentence()}")


def _running_jobs() -> Callable[[], int]:
    """Return a function that counts the jobs that workers hold."""
    from service.queue.keys import LEASES_KEY

    client = open_redis()
    return lambda: int(client.zcard(LEASES_KEY))
