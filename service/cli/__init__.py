"""The command `filot-ocr`: run the worker, look at it, feed it, and read one card without any server."""

import sys
from typing import Annotated

import redis
import typer

from service.cli import dead, dev, doctor, erase, queue, read, status, worker
from service.cli.output import EXIT_ENVIRONMENT, EXIT_INPUT, give_up
from service.errors import DocumentError, OcrWorkerError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

for command in (
    worker.worker,
    queue.enqueue,
    queue.backfill,
    queue.requeue,
    status.status,
    doctor.doctor,
    worker.results,
    worker.settings,
    read.read,
    erase.erase,
    dev.demo,
):
    app.command()(command)
app.add_typer(dead.app, name="dead")
app.add_typer(dev.app, name="dev")


def main() -> None:
    """Run the command; what is wrong is said in one line."""
    try:
        app()
    except DocumentError as error:
        give_up(str(error), EXIT_INPUT)
    except OcrWorkerError as error:
        give_up(str(error), EXIT_ENVIRONMENT)
    except redis.AuthenticationError:
        give_up("Redis refuses the password of REDIS_URL or REDIS_PASSWORD", EXIT_ENVIRONMENT)
    except redis.RedisError as error:
        give_up(f"Redis ({type(error).__name__}): is REDIS_URL right, and the server up?", EXIT_ENVIRONMENT)


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
    """Options of the command itself; its help is the module's first line."""
