"""`status`: what is wrong, the queue and its workers at a glance, once or again and again."""

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import redis
import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from service.cli.output import camel, console, print_json
from service.cli.surroundings import open_database, open_ledger
from service.errors import OcrWorkerError

if TYPE_CHECKING:
    from service.heartbeat import Heard
    from service.status import Status, Traffic

#: s between two looks of `status --watch`.
WATCH_INTERVAL = 2.0


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every 2 s until Ctrl-C; with --json, a line a look.")
    ] = False,
) -> None:
    """Show what is wrong and what to do about it, the queue and its workers, as any worker's page does."""
    if watch:
        _watch(as_json)
    elif as_json:
        print_json(_for_programs(_look()))
    else:
        console.print(_View().picture())


def _look() -> dict[str, Any]:
    from service.api import get_gpu_worker_status

    return asdict(get_gpu_worker_status())


def _for_programs(state: dict[str, Any]) -> dict[str, Any]:
    return {camel(name): value for name, value in state.items()}


class _View:
    """Looks at everything by way of the same connections, and shows it to a person."""

    def __init__(self) -> None:
        from service.settings import current_settings
        from service.status import TrafficReader

        self.settings = current_settings()
        self.traffic = TrafficReader(open_ledger().client, self.settings)
        self.database = open_database() if self.settings.database_url else None

    def picture(self) -> RenderableType:
        """One look. May raise ``redis.RedisError``."""
        seen = self._look()
        assert seen.traffic is not None
        return Group(*self._banner(seen), "", _table(_look()), "", *_workers(seen.traffic))

    def _look(self) -> "Status":
        from service.status import Status, read_records

        traffic = self.traffic.read()
        if self.database is None:
            return Status(traffic, None)
        try:
            return Status(traffic, read_records(self.database))
        except OcrWorkerError as error:
            return Status(traffic, None, database_problem=str(error).rpartition(": ")[2])

    def _banner(self, seen: "Status") -> list[Text]:
        from service.troubles import find_troubles, well

        lines = []
        for trouble in find_troubles(seen, self.settings):
            lines.append(
                Text(trouble.sentence, style="bold red" if trouble.level == "down" else "bold yellow")
            )
            lines.append(Text(f"  -> {trouble.advice} {trouble.command}".rstrip()))
        return lines or [Text(well(seen), style="bold green")]


def _table(state: dict[str, Any]) -> Table:
    table = Table(show_header=False, box=None)
    for name, value in state.items():
        table.add_row(name.replace("_", " "), str(value))
    return table


def _workers(traffic: "Traffic") -> list[Table]:
    from service.troubles import span

    table = Table("worker", "device", "in hand", "oldest job", "says", box=None)
    for heard in traffic.workers:
        ages = [job.seconds for job in traffic.jobs if job.worker == heard.worker]
        table.add_row(heard.worker, *_activity(heard, span(max(ages)) if ages else "-"))
    return [table] if traffic.workers else []


def _activity(heard: "Heard", oldest_job: str) -> tuple[str, str, str, str]:
    from service.troubles import span

    state = heard.state
    if state is None:
        return "?", "?", oldest_job, f"silent for {span(heard.seconds)}"
    says = "; ".join(state.holds) or ("stopping" if state.stopping else "") or state.gpu_absence
    device = "GPU" if state.gpu_available else "CPU"
    return device, f"{state.active_jobs} of {state.concurrency}", oldest_job, says


def _watch(as_json: bool) -> None:
    try:
        if as_json:
            while True:
                print(json.dumps(_for_programs(_look())), flush=True)
                time.sleep(WATCH_INTERVAL)
        view = _View()
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(_dated(view), refresh=True)
                time.sleep(WATCH_INTERVAL)
    except KeyboardInterrupt:
        return


def _dated(view: _View) -> RenderableType:
    """One look; a Redis that is away is shown and looked for again, since that is what one waits for."""
    when = Text(f"{datetime.now(UTC):%H:%M:%S} UTC, every {WATCH_INTERVAL:.0f} s until Ctrl-C", style="dim")
    try:
        return Group(view.picture(), when)
    except redis.RedisError as error:
        return Group(Text(f"Redis does not answer ({type(error).__name__})", style="bold red"), when)
