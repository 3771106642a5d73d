"""The command `filot-ocr`: run the OCR worker, see what it does, feed its queue, and read cards locally."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from service.cli import dead, dev, doctor, erase, failed, operate, queue, read, status, temporal, worker
from service.cli.output import EXIT_ENVIRONMENT, EXIT_INPUT, exit_with
from service.errors import DocumentError, OcrWorkerError, UnavailableError


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Run a command; a wrong choice is told without the library's own first words."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

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
    except UnavailableError as error:
        from service.store.server_problems import REFUSED_LOGINS, unusable

        said = unusable("PostgreSQL", error.cause) if error.cause in REFUSED_LOGINS else str(error)
        exit_with(f"{said}: {error.advice}" if error.advice else said, EXIT_ENVIRONMENT)
    except OcrWorkerError as error:
        exit_with(str(error), EXIT_ENVIRONMENT)
    except Exception as error:
        # Not imported above: `--help` and `read` have no use for Redis.
        import redis

        if isinstance(error, redis.RedisError):
            from service.store.server_problems import redis_problem, unusable

            cause, advice = redis_problem(error)
            exit_with(f"{unusable('Redis', cause)}: {advice}", EXIT_ENVIRONMENT)
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
