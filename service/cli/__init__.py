"""The command `filot-ocr`: run the OCR worker, see what it does, feed its queue, and read cards locally."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer

from service.cli import dead, dev, doctor, erase, failed, operate, queue, read, status, temporal, worker
from service.cli.output import EXIT_ENVIRONMENT, EXIT_INPUT, exit_with
from service.errors import DocumentError, OcrWorkerError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

#: Commands by the group under which `--help` lists them.
GROUPS: Mapping[str, Sequence[Callable[..., None]]] = {
    "Commands to run and watch": (
        worker.worker,
        status.status,
        doctor.doctor,
        worker.results,
        worker.settings,
        temporal.temporal,
    ),
    "Commands for documents": (
        *(queue.enqueue, queue.backfill, queue.requeue),
        *(operate.cancel, failed.retry, erase.erase),
    ),
    "Commands to stop and resume": (operate.pause, operate.resume, operate.drain),
    "Commands to try it out": (read.read, dev.demo),
}

for group, commands in GROUPS.items():
    for command in commands:
        app.command(rich_help_panel=group)(command)
app.add_typer(dead.app, name="dead", rich_help_panel="Commands for documents")
app.add_typer(failed.app, name="failed", rich_help_panel="Commands for documents")
app.add_typer(dev.app, name="dev", rich_help_panel="Commands to try it out")


def main() -> None:
    """Run the command; an error is one line on stderr."""
    try:
        app()
    except DocumentError as error:
        exit_with(str(error), EXIT_INPUT)
    except OcrWorkerError as error:
        exit_with(str(error), EXIT_ENVIRONMENT)
    except Exception as error:
        # Not imported above: `--help` and `read` have no use for Redis.
        import redis

        if isinstance(error, redis.AuthenticationError):
            exit_with("Redis rejects the password in REDIS_URL or REDIS_PASSWORD", EXIT_ENVIRONMENT)
        if isinstance(error, redis.RedisError):
            name = type(error).__name__
            exit_with(f"Redis does not answer ({name}): check REDIS_URL and the server", EXIT_ENVIRONMENT)
        raise


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"filot-ocr {version('filot-ocr-worker')}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Handle the options of `filot-ocr` itself."""
