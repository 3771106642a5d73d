"""`worker`, `results` and `settings`: the worker itself, what it publishes, and how it is configured."""

import sys
from typing import Annotated

import typer
from rich.table import Column, Table

from service.cli.output import console, print_json


def worker() -> None:
    """Work on FiLot's queue until SIGTERM."""
    from service.runtime.supervisor import supervise
    from service.settings import load_settings, require_servers
    from service.telemetry.logging import configure_logs

    settings = load_settings()
    require_servers(settings)
    configure_logs(settings.log_level)
    sys.exit(supervise(settings))


def results() -> None:
    """Follow the result channel, one JSON object a line, until Ctrl-C. They hold personal data."""
    from redis.client import PubSub

    from service.queue.document_queue import connect_redis
    from service.settings import load_settings

    settings = load_settings()
    pool = connect_redis(settings).connection_pool
    with PubSub(pool, ignore_subscribe_messages=True) as channel:
        channel.subscribe(settings.results_channel)
        try:
            while True:
                message = channel.get_message(timeout=1.0)
                if message is not None:
                    print(message["data"], flush=True)
        except KeyboardInterrupt:
            return


def settings(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List every setting with its value in force; secrets are masked."""
    from service.settings import describe_settings, load_settings

    rows = describe_settings(load_settings())
    if as_json:
        print_json({name: value for name, value, _, _ in rows})
        return
    table = Table(
        *(Column(name, no_wrap=True) for name in ("variable", "value", "default")), "meaning", box=None
    )
    for row in rows:
        table.add_row(*row)
    console.print(table)
