"""`demo` and `dev up`: real servers from Python packages, for a demonstration or for development."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from service.cli.output import EXIT_INPUT, exit_with

app = typer.Typer(no_args_is_help=True, help="For developers: real servers from Python packages.")


def demo(
    report: Annotated[Path, typer.Option(help="Where to write the HTML report.")] = Path("build/demo.html"),
) -> None:
    """Process invented cards on real servers, and show the results."""
    with _extra_needed():
        from devstack.run import run_demo

    raise typer.Exit(run_demo(report))


@app.command()
def up() -> None:
    """Start Redis, PostgreSQL with FiLot's tables, an S3 server and a review service until Ctrl-C."""
    with _extra_needed():
        from devstack.servers import serve_until_interrupted

    serve_until_interrupted()


@contextmanager
def _extra_needed() -> Iterator[None]:
    """End the command with one line when an import inside fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name == "devstack":
            exit_with("`demo` and `dev` come with the source repository, not with the package", EXIT_INPUT)
        exit_with(
            f"`demo` and `dev` need the extra `demo` ({error.name} is missing): pip install -e '.[demo]'",
            EXIT_INPUT,
        )
