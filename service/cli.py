"""The command `filot-ocr`: run the worker, look at it, feed it, and read one card without any server."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import redis
import typer
from rich.console import Console
from rich.table import Column, Table

from service.errors import DocumentError, OcrWorkerError, SettingsError

if TYPE_CHECKING:
    from service.database import Database

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
dev = typer.Typer(no_args_is_help=True, help="For developers: real servers out of wheels.")
app.add_typer(dev, name="dev")

# Into a pipe or a file, every line whole: `grep` is a reader too.
console = Console() if sys.stdout.isatty() else Console(width=250)

#: Exit codes: the input can't be read; the settings or a server are at fault.
BAD_INPUT, BAD_SURROUNDINGS = 1, 2


def main() -> None:
    """Run the command; what is wrong is said in one line."""
    try:
        app()
    except DocumentError as error:
        _give_up(str(error), BAD_INPUT)
    except OcrWorkerError as error:
        _give_up(str(error), BAD_SURROUNDINGS)
    except redis.RedisError as error:
        _give_up(f"Redis ({type(error).__name__}): is REDIS_URL right, and the server up?", BAD_SURROUNDINGS)


def _give_up(reason: str, code: int) -> NoReturn:
    print(f"filot-ocr: {reason}", file=sys.stderr)
    sys.exit(code)


@app.command()
def worker() -> None:
    """Work on FiLot's queue until SIGTERM."""
    from service.logs import configure_logs
    from service.settings import load_settings, require_servers
    from service.supervisor import supervise

    settings = load_settings()
    require_servers(settings)
    configure_logs(settings.log_level)
    sys.exit(supervise(settings))


@app.command()
def enqueue(document_ids: Annotated[list[str], typer.Argument(metavar="ID...")]) -> None:
    """Append documents to the GPU queue; non-zero when any was refused."""
    from service.api import enqueue_for_gpu

    refused = 0
    for document_id in document_ids:
        accepted = enqueue_for_gpu(document_id)
        refused += not accepted
        verdict = "enqueued" if accepted else "refused: it waits or is in work, or Redis is away"
        console.print(f"{document_id} {verdict}", markup=False, highlight=False)
    if refused:
        raise typer.Exit(BAD_INPUT)


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show the queue and its workers, from Redis."""
    from service.api import get_gpu_worker_status

    state = asdict(get_gpu_worker_status())
    if as_json:
        print(json.dumps({_camel(name): value for name, value in state.items()}, indent=2))
        return
    table = Table(show_header=False, box=None)
    for name, value in state.items():
        table.add_row(name.replace("_", " "), str(value))
    console.print(table)


def _camel(name: str) -> str:
    """A status field as the backend's code knows it: ``is_gpu_enabled`` becomes ``isGPUEnabled``."""
    first, *rest = name.split("_")
    return first + "".join("GPU" if part == "gpu" else part.capitalize() for part in rest)


@app.command()
def results() -> None:
    """Follow the result channel, one JSON object a line, until Ctrl-C. They hold personal data."""
    from redis.client import PubSub

    from service.intake.ledger import connect_redis
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


@app.command()
def settings(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List every setting with its value in force; secrets are masked."""
    from service.settings import describe_settings, load_settings

    rows = describe_settings(load_settings())
    if as_json:
        print(json.dumps({name: value for name, value, _, _ in rows}, indent=2))
        return
    table = Table(
        *(Column(name, no_wrap=True) for name in ("variable", "value", "default")), "meaning", box=None
    )
    for row in rows:
        table.add_row(*row)
    console.print(table)


@app.command()
def read(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    document_type: Annotated[Literal["KTP", "NPWP"], typer.Option("--type", help="What the card is.")],
    driver: Annotated[Literal["onnx", "tesseract"], typer.Option(help="OCR engine.")] = "onnx",
    overlay: Annotated[Path | None, typer.Option(help="Draw what was read on the picture.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Read one local file with no server at all, and print its fields with confidences."""
    from service.ocr.loading import load_engine
    from service.reading import read_document

    reading = read_document(file.read_bytes(), document_type, load_engine(driver))
    if as_json:
        print(json.dumps(_reading_as_json(reading), indent=2, ensure_ascii=False))
    else:
        _print_reading(reading)
    if overlay is not None:
        _write_overlay(overlay, reading)


def _print_reading(reading: Any) -> None:
    table = Table("field", "value", "confidence", box=None)
    for key, field in reading.fields.items():
        table.add_row(key, field.value, f"{field.confidence:.2f}")
    console.print(table)
    reasons = f" ({', '.join(reading.review_reasons)})" if reading.review_reasons else ""
    console.print(f"\nscore {reading.score}: {reading.decision}{reasons}, read on the {reading.device}")


def _reading_as_json(reading: Any) -> dict[str, Any]:
    return {
        "documentType": reading.document_type,
        "score": reading.score,
        "decision": reading.decision,
        "outcome": reading.outcome,
        "reviewReasons": list(reading.review_reasons),
        "device": reading.device,
        "fields": {
            key: {"value": field.value, "confidence": round(field.confidence, 3)}
            for key, field in reading.fields.items()
        },
    }


def _write_overlay(path: Path, reading: Any) -> None:
    import cv2

    from service.overlay import draw_overlay

    page = reading.page
    try:
        written = cv2.imwrite(str(path), draw_overlay(page.image, page.lines, reading.fields))
    except cv2.error:
        raise SettingsError(f"{path}: the overlay's name should end in .png or .jpg") from None
    if not written:
        raise SettingsError(f"{path} cannot be written")


@app.command()
def demo(
    report: Annotated[Path, typer.Option(help="Where the HTML report goes.")] = Path("build/demo.html"),
) -> None:
    """Run the main job on real servers with invented cards, and show the result."""
    from service.demo.run import run_demo

    raise typer.Exit(run_demo(report))


dead = typer.Typer(no_args_is_help=True, help="Jobs that used up their attempts.")
app.add_typer(dead, name="dead")


@dead.command("list")
def list_dead(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List them, latest first."""
    from service.dead import list_jobs

    with _database().transaction() as work:
        jobs = list_jobs(work)
    if as_json:
        print(json.dumps([_job_as_json(job) for job in jobs], indent=2))
        return
    if not jobs:
        console.print("no dead jobs")
        return
    table = Table("document", "attempts", "cause", "died at", box=None)
    for job in jobs:
        table.add_row(job.document_id, str(job.attempts), job.cause, f"{job.died_at:%Y-%m-%d %H:%M:%S} UTC")
    console.print(table)


@dead.command("show")
def show_dead(document_id: str) -> None:
    """Show one, as JSON."""
    from service.dead import find

    with _database().transaction() as work:
        job = find(work, _document_id(document_id))
    if job is None:
        _give_up(f"{document_id} is not among the dead jobs", BAD_INPUT)
    print(json.dumps(_job_as_json(job), indent=2))


def _job_as_json(job: Any) -> dict[str, Any]:
    return {_camel(name): str(value) if name == "died_at" else value for name, value in asdict(job).items()}


@dead.command("requeue")
def requeue_dead(document_ids: Annotated[list[str], typer.Argument(metavar="ID...")]) -> None:
    """Queue their documents again, with all attempts."""
    from service import dead as dead_jobs
    from service.api import enqueue_for_gpu
    from service.database import reopen

    database = _database()
    for document_id in map(_document_id, document_ids):
        with database.transaction() as work:
            if dead_jobs.find(work, document_id) is None:
                _give_up(f"{document_id} is not among the dead jobs", BAD_INPUT)
            reopen(work, document_id)
        # Queued before it is forgotten: what is killed in between can be typed again.
        if not enqueue_for_gpu(document_id):
            _give_up(f"{document_id} was not queued: it waits or is in work, or Redis is away", BAD_INPUT)
        with database.transaction() as work:
            dead_jobs.drop(work, document_id)
        console.print(f"{document_id} queued again", markup=False, highlight=False)


@dead.command("drop")
def drop_dead(document_ids: Annotated[list[str], typer.Argument(metavar="ID...")]) -> None:
    """Forget them; their documents stay failed."""
    from service import dead as dead_jobs

    with _database().transaction() as work:
        unknown = [d for d in map(_document_id, document_ids) if not dead_jobs.drop(work, d)]
    if unknown:
        _give_up(f"not among the dead jobs: {', '.join(unknown)}", BAD_INPUT)


def _database() -> "Database":
    from service.database import Database
    from service.settings import load_settings, needed

    return Database(needed(load_settings().database_url, "DATABASE_URL"), connections=1)


def _document_id(text: str) -> str:
    from service.database import is_document_id

    if not is_document_id(text):
        _give_up(f"{text} is no document id", BAD_INPUT)
    return text


@dev.command()
def up() -> None:
    """Start Redis, PostgreSQL with FiLot's tables, an S3 server and a review service; stop them at Ctrl-C."""
    from service.demo.servers import serve_until_interrupted

    serve_until_interrupted()
