"""`status`: show problems, the queue and the workers, once or continuously."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from service.cli.connections import open_database, open_redis
from service.cli.output import EXIT_ENVIRONMENT, console, print_json
from service.monitoring.formatting import pluralize

if TYPE_CHECKING:
    from service.monitoring.poller import Poller
    from service.monitoring.status import Status

#: s between two refreshes of `status --watch`.
WATCH_INTERVAL = 2.0

#: s that a query waits for Redis and for PostgreSQL: a laptop may be farther away than a worker.
TIMEOUT = 5.0

_WITHOUT_DATABASE = "DATABASE_URL is not set here: results, failures, reviews and dead jobs are not shown."


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as a worker's /status.json.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Refresh every 2 s until Ctrl-C; with --json, one line each time.")
    ] = False,
) -> None:
    """Show problems and how to fix them, the queue and the workers, as a worker's status page does.

    Exit code 2: Redis or PostgreSQL did not answer; what only that server knows is missing.
    """
    poller = _poller()
    if watch:
        _watch(poller, as_json)
        return
    snapshot = poller.look()
    if as_json:
        print_json(_as_json(snapshot))
    else:
        console.print(_as_text(snapshot))
    if snapshot.redis_problem or snapshot.database_problem:
        raise typer.Exit(EXIT_ENVIRONMENT)


def _poller() -> "Poller":
    from service.monitoring.poller import Poller
    from service.settings import current_settings

    settings = current_settings()
    database = open_database() if settings.database_url else None
    return Poller(open_redis(), database, settings, TIMEOUT)


def _as_json(snapshot: "Status") -> dict[str, object]:
    from service.monitoring.status_json import status_json
    from service.settings import current_settings

    return status_json(snapshot, current_settings())


def _as_text(snapshot: "Status") -> RenderableType:
    from service.cli.status_tables import sections
    from service.settings import current_settings

    settings = current_settings()
    shown = sections(snapshot, settings)
    tables = (part for section in shown for part in section.drawn())
    remarks = [] if settings.database_url else [_WITHOUT_DATABASE]
    return Group(*_banner(snapshot), *remarks, *tables)


def _fitted(snapshot: "Status") -> RenderableType:
    """Return what the terminal can hold: without the rows that are worth least, and with their number."""
    from service.cli.status_tables import sections, without_least
    from service.settings import current_settings

    banner, shown = list(_banner(snapshot)), sections(snapshot, current_settings())
    when = f"{datetime.now().astimezone():%H:%M:%S %Z}, every {WATCH_INTERVAL:.0f} s until Ctrl-C"
    left_out = 0
    while True:
        remark = f"; {pluralize(left_out, 'row')} left out" if left_out else ""
        parts = (part for section in shown for part in section.drawn())
        picture = Group(*banner, *parts, Text(when + remark, style="dim"))
        if not console.is_terminal or len(console.render_lines(picture)) <= console.height:
            return picture
        fewer = without_least(shown)
        if fewer is None:
            return picture
        shown, left_out = fewer, left_out + 1


def _banner(snapshot: "Status") -> Iterator[RenderableType]:
    from service.monitoring.problems import find_problems, healthy_summary
    from service.settings import current_settings

    problems = find_problems(snapshot, current_settings())
    for problem in problems:
        yield Text(problem.sentence, style="bold red" if problem.level == "down" else "bold yellow")
        yield Padding(Text(problem.advice), (0, 0, 0, 4), expand=False)
        if problem.command:
            # On a line of its own, so that it can be copied whole.
            yield Text(f"  -> {problem.command}")
    if not problems:
        yield Text(healthy_summary(snapshot), style="bold green")


def _watch(poller: "Poller", as_json: bool) -> None:
    if as_json:
        while True:
            print(json.dumps(_as_json(poller.look())), flush=True)
            time.sleep(WATCH_INTERVAL)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(_fitted(poller.look()), refresh=True)
            time.sleep(WATCH_INTERVAL)
