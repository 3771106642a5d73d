"""`status`: the queue and its workers at a glance, once or again and again."""

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import redis
import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from service.cli.output import camel, console, print_json

#: s between two looks of `status --watch`.
WATCH_INTERVAL = 2.0


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every 2 s until Ctrl-C; with --json, a line a look.")
    ] = False,
) -> None:
    """Show the queue and its workers, from Redis."""
    if watch:
        _watch(as_json)
    elif as_json:
        print_json(_for_programs(_look()))
    else:
        console.print(_table(_look()))


def _look() -> dict[str, Any]:
    from service.api import get_gpu_worker_status

    return asdict(get_gpu_worker_status())


def _for_programs(state: dict[str, Any]) -> dict[str, Any]:
    return {camel(name): value for name, value in state.items()}


def _table(state: dict[str, Any]) -> Table:
    table = Table(show_header=False, box=None)
    for name, value in state.items():
        table.add_row(name.replace("_", " "), str(value))
    return table


def _watch(as_json: bool) -> None:
    try:
        if as_json:
            while True:
                print(json.dumps(_for_programs(_look())), flush=True)
                time.sleep(WATCH_INTERVAL)
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(_picture(), refresh=True)
                time.sleep(WATCH_INTERVAL)
    except KeyboardInterrupt:
        return


def _picture() -> RenderableType:
    """One look; a Redis that is away is shown and looked for again, since that is what one waits for."""
    when = Text(f"{datetime.now(UTC):%H:%M:%S} UTC, every {WATCH_INTERVAL:.0f} s until Ctrl-C", style="dim")
    try:
        return Group(_table(_look()), when)
    except redis.RedisError as error:
        return Group(Text(f"Redis does not answer ({type(error).__name__})", style="bold red"), when)
