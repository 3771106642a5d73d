"""`status`: what is wrong, the queue and its workers at a glance, once or again and again."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from service.cli.connections import open_database, open_ledger
from service.cli.output import EXIT_ENVIRONMENT, console, print_json

if TYPE_CHECKING:
    from service.monitoring.poller import Poller
    from service.monitoring.status import Status

#: s between two looks of `status --watch`.
WATCH_INTERVAL = 2.0

#: s that a look waits for Redis and for PostgreSQL: a laptop may be farther from both than a worker is.
TIMEOUT = 5.0


def status(
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: what a worker's /status.json says.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every 2 s until Ctrl-C; with --json, a line a look.")
    ] = False,
) -> None:
    """Show what is wrong and what to do about it, the queue and its workers, as any worker's page does.

    Exit code 2: Redis or PostgreSQL did not answer, and what only it knows is not shown.
    """
    poller = _poller()
    if watch:
        _watch(poller, as_json)
        return
    seen = poller.look()
    if as_json:
        print_json(_for_programs(seen))
    else:
        console.print(_for_people(seen))
    if seen.redis_problem or seen.database_problem:
        raise typer.Exit(EXIT_ENVIRONMENT)


def _poller() -> "Poller":
    from service.monitoring.poller import Poller
    from service.settings import current_settings

    settings = current_settings()
    database = open_database() if settings.database_url else None
    return Poller(open_ledger().client, database, settings, TIMEOUT)


def _for_programs(seen: "Status") -> dict[str, object]:
    from service.monitoring.status_json import status_json
    from service.settings import current_settings

    return status_json(seen, current_settings())


def _for_people(seen: "Status") -> RenderableType:
    from service.cli.status_tables import tables
    from service.settings import current_settings

    return Group(*_banner(seen), *tables(seen, current_settings()))


def _banner(seen: "Status") -> Iterator[Text]:
    from service.monitoring.problems import find_problems, healthy_summary
    from service.settings import current_settings

    problems = find_problems(seen, current_settings())
    for problem in problems:
        yield Text(problem.sentence, style="bold red" if problem.level == "down" else "bold yellow")
        yield Text(f"  -> {problem.advice} {problem.command}".rstrip())
    if not problems:
        yield Text(healthy_summary(seen), style="bold green")


def _watch(poller: "Poller", as_json: bool) -> None:
    try:
        if as_json:
            while True:
                print(json.dumps(_for_programs(poller.look())), flush=True)
                time.sleep(WATCH_INTERVAL)
        with Live(console=console, auto_refresh=False) as live:
            while True:
                shown = _for_people(poller.look())
                when = f"{datetime.now(UTC):%H:%M:%S} UTC, every {WATCH_INTERVAL:.0f} s until Ctrl-C"
                live.update(Group(shown, Text(when, style="dim")), refresh=True)
                time.sleep(WATCH_INTERVAL)
    except KeyboardInterrupt:
        return
