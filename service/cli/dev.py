"""`demo` and `dev up`: real servers out of wheels, with invented cards or to stay."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="For developers: real servers out of wheels.")


def demo(
    report: Annotated[Path, typer.Option(help="Where the HTML report goes.")] = Path("build/demo.html"),
) -> None:
    """Run the main job on real servers with invented cards, and show the result."""
    from devstack.run import run_demo

    raise typer.Exit(run_demo(report))


@app.command()
def up() -> None:
    """Start Redis, PostgreSQL with FiLot's tables, an S3 server and a review service; stop them at Ctrl-C."""
    from devstack.servers import serve_until_interrupted

    serve_until_interrupted()
