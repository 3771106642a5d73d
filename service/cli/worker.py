"""`worker`, `results` and `settings`: run the worker, follow its results, show its settings."""

import os
import sys
from typing import Annotated

import typer
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from service.cli.output import EXIT_ENVIRONMENT, console, print_json

#: Columns from which on `settings` is a table: below, a column of meanings would be too narrow to read.
WIDE = 140


def worker() -> None:
    """Process documents from FiLot's queue until SIGTERM."""
    import structlog

    from service.errors import SettingsError
    from service.runtime.supervisor import supervise
    from service.settings import load_settings, require_servers
    from service.telemetry.logging import configure_logs, log_crashes

    try:
        settings = load_settings()
        require_servers(settings)
    except SettingsError as error:
        if sys.stderr.isatty():
            raise
        # Nobody reads it at a terminal: a line of the log, like all that follow.
        configure_logs("info")
        log = structlog.get_logger(__name__)
        log.critical("worker_cannot_start", reason=str(error))
        raise typer.Exit(EXIT_ENVIRONMENT) from None
    configure_logs(settings.log_level)
    log_crashes()
    sys.exit(supervise(settings))


def results() -> None:
    """Print published results, one JSON object per line, until Ctrl-C. They contain personal data."""
    from redis.client import PubSub

    from service.queue.document_queue import connect_redis
    from service.settings import load_settings

    settings = load_settings()
    pool = connect_redis(settings).connection_pool
    with PubSub(pool, ignore_subscribe_messages=True) as channel:
        channel.subscribe(settings.results_channel)
        while True:
            message = channel.get_message(timeout=1.0)
            if message is not None:
                print(message["data"], flush=True)


def settings(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List every setting with its current value; secrets are masked."""
    from service.settings import describe_settings, load_settings, unclear_switches

    loaded = load_settings()
    rows = describe_settings(loaded)
    if as_json:
        print_json({name: value for name, value, _, _ in rows})
        return
    unclear = unclear_switches(loaded, os.environ)
    rows = [
        (name, value, default, f"{unclear[name]} {meaning}" if name in unclear else meaning)
        for name, value, default, meaning in rows
    ]
    if console.width >= WIDE:
        console.print(_table(rows))
    else:
        _print_paragraphs(rows)


def _table(rows: list[tuple[str, str, str, str]]) -> Table:
    table = Table(
        *(Column(name, no_wrap=True) for name in ("variable", "value", "default")), "meaning", box=None
    )
    for row in rows:
        table.add_row(*row)
    return table


def _print_paragraphs(rows: list[tuple[str, str, str, str]]) -> None:
    """Print a line per variable with its meaning below, for terminals too narrow for the table."""
    for name, value, default, meaning in rows:
        line = Text.assemble((name, "bold"), f" = {value}" if value else " is not set")
        if value != default:
            line.append(f"  (default: {default or 'not set'})", "dim")
        console.print(line)
        console.print(Padding(Text(meaning), (0, 0, 0, 4)))
