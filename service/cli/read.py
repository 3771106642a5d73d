"""`read`: read local files without any server."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from service.cli.card_files import FileReading, find_files, read_file
from service.cli.output import EXIT_INPUT, console, print_line, progress_bar
from service.cli.overview import OverviewRow, overview, short_names
from service.errors import SettingsError
from service.monitoring.formatting import agree, pluralize

if TYPE_CHECKING:
    from service.reading.reader import Reading

#: Overlays are written in one of these formats.
PICTURES = (".png", ".jpg", ".jpeg")

#: Names of skipped files that are printed.
MAX_SKIPPED = 20

#: s in which a viewer that cannot start has said so.
VIEWER_STARTS = 5.0

#: Columns of the CSV: what is known of the file, the fields of a KTP and of an NPWP, and the failure.
COLUMNS = (
    *("file", "documentType", "score", "decision", "outcome", "reviewReasons", "device"),
    *(
        "nik",
        "name",
        "birthPlace",
        "birthDate",
        "gender",
        "bloodType",
        "address",
        "rtRw",
        "village",
        "district",
    ),
    *("religion", "maritalStatus", "occupation", "nationality", "validUntil", "province", "city"),
    *("npwpNumber", "registeredAt", "errorCode", "error"),
)


def read(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Files, folders, glob patterns, or - for standard input."),
    ],
    document_type: Annotated[
        Literal["KTP", "NPWP", "auto"],
        typer.Option("--type", case_sensitive=False, help="Type of the cards; auto: told from each card."),
    ] = "auto",
    driver: Annotated[Literal["onnx", "tesseract"], typer.Option(help="OCR engine.")] = "onnx",
    overlay: Annotated[
        Path | None,
        typer.Option(help="Picture to draw the result on; of several files, a folder for the pictures."),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the overlay when done.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line, failures too.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, failures too.")] = False,
) -> None:
    """Read local files without any server, print their fields; exit code 1 when any failed or is missing."""
    from service.reading.ocr.loading import load_engine

    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    chosen = find_files(files)
    found = chosen.files
    overlays = _overlay_paths(overlay, found)
    if show and overlay is None:
        raise typer.BadParameter("--open needs --overlay PATH: the picture that it opens")
    engine = load_engine(driver)
    # JSON lines and CSV rows that appear one by one on the same terminal are progress enough.
    shown = len(found) > 1 and not ((as_json or as_csv) and sys.stdout.isatty())
    results: Iterator[FileReading] = (read_file(file, document_type, engine) for file in found)
    if shown:
        results = _with_progress(results, len(found))
    results = _with_overlays(results, overlays)
    if as_json:
        failed = _print_json_lines(results)
    elif as_csv:
        failed = _print_csv(results)
    else:
        failed = _print_tables(results, single=len(found) == 1)
    if show and overlay is not None and overlay.exists() and not _open(overlay):
        print(f"filot-ocr: no program opens pictures here; the overlay is {overlay}", file=sys.stderr)
    if chosen.skipped:
        print(f"filot-ocr: {_skipped(chosen.skipped)}", file=sys.stderr)
    if failed:
        raise typer.Exit(EXIT_INPUT)


def _skipped(files: list[str]) -> str:
    shown = short_names(files)[:MAX_SKIPPED]
    others = f" and {len(files) - len(shown):,} more" if len(files) > len(shown) else ""
    number, they_are = pluralize(len(files), "file"), agree(len(files), "it is", "they are")
    return f"{number} skipped, {they_are} empty or no picture or PDF: {', '.join(shown)}{others}"


def _overlay_paths(overlay: Path | None, files: list[str]) -> dict[str, Path]:
    """Return the picture to write for each file, after checking that it can be written.

    Raises:
        SettingsError: it cannot.
    """
    if overlay is None:
        return {}
    if len(files) == 1 and not overlay.is_dir():
        if overlay.suffix.lower() not in PICTURES:
            raise SettingsError(f"{overlay}: the overlay's name must end in .png or .jpg")
        if not overlay.parent.is_dir():
            raise SettingsError(f"{overlay}: there is no folder {overlay.parent}")
        return {files[0]: overlay}
    if overlay.suffix.lower() in PICTURES and not overlay.exists():
        raise SettingsError(f"{overlay}: several overlays need a folder, and this is a picture's name")
    try:
        overlay.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{overlay}: several overlays need a folder: {error.strerror}") from None
    paths: dict[str, Path] = {}
    for file in files:
        stem = "stdin" if file == "-" else Path(file).stem
        taken = sum(path.stem.split("~")[0] == stem for path in paths.values())
        paths[file] = overlay / (f"{stem}~{taken + 1}.png" if taken else f"{stem}.png")
    return paths


def _with_progress(results: Iterator[FileReading], count: int) -> Iterator[FileReading]:
    with progress_bar() as progress:
        yield from progress.track(results, total=count, description="Reading")


def _with_overlays(results: Iterable[FileReading], overlays: dict[str, Path]) -> Iterator[FileReading]:
    for result in results:
        if result.reading is not None and result.file in overlays:
            _write_overlay(overlays[result.file], result.reading)
        yield result


def _write_overlay(path: Path, reading: "Reading") -> None:
    import cv2

    from service.reading.overlay import draw_overlay

    page = reading.page
    if not cv2.imwrite(str(path), draw_overlay(page.image, page.lines, reading.fields)):
        raise SettingsError(f"{path} cannot be written")


def _open(overlay: Path) -> bool:
    """Show a picture, or a folder of them, in the viewer of this machine; return False if there is none."""
    program = "open" if sys.platform == "darwin" else "xdg-open"
    try:
        viewer = subprocess.Popen(
            [program, str(overlay)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return viewer.wait(VIEWER_STARTS) == 0
    except FileNotFoundError:
        return False
    except subprocess.TimeoutExpired:
        # Some viewers are the program itself: it ends when the picture is closed.
        return True


def _print_json_lines(results: Iterable[FileReading]) -> int:
    """Print each result when it is there; return how many files failed."""
    failed = 0
    for result in results:
        print(json.dumps(_as_json(result), ensure_ascii=False), flush=True)
        failed += result.reading is None
    return failed


def _as_json(result: FileReading) -> dict[str, Any]:
    from service.reading.documents.reasons import advice

    reading = result.reading
    if reading is None:
        return {"file": result.file, "errorCode": result.error_code, "error": result.error}
    return {
        "file": result.file,
        "documentType": reading.document_type,
        "score": reading.score,
        "decision": reading.decision,
        "outcome": reading.outcome,
        "reviewReasons": list(reading.review_reasons),
        "reviewAdvice": advice(reading.review_reasons),
        "device": reading.device,
        "fields": {
            key: {"value": field.value, "confidence": round(field.confidence, 3)}
            for key, field in reading.fields.items()
        },
    }


def _print_csv(results: Iterable[FileReading]) -> int:
    """Print a line per file with a column per field; return how many files failed."""
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    failed = 0
    for result in results:
        row = _as_json(result)
        fields = {key: field["value"] for key, field in row.pop("fields", {}).items()}
        row.pop("reviewAdvice", None)
        writer.writerow({**row, **fields, "reviewReasons": " ".join(row.get("reviewReasons", ()))})
        sys.stdout.flush()
        failed += result.reading is None
    return failed


def _print_tables(results: Iterable[FileReading], *, single: bool) -> int:
    """Print all fields of a single file, or a line per file of several; return how many files failed."""
    rows, failed = [], 0
    for result in results:
        failed += result.reading is None
        if not single:
            rows.append(_row(result))
        elif result.reading is None:
            print(f"filot-ocr: {result.file}: {_failure(result)}", file=sys.stderr)
        else:
            _print_reading(result.reading)
    if not single:
        for line in overview(rows, console.width):
            print(line)
        print_line(f"{len(rows) - failed} read, {failed} failed")
    return failed


def _row(result: FileReading) -> OverviewRow:
    reading = result.reading
    if reading is None:
        return OverviewRow(result.file, decision="failed", remarks=_failure(result))
    number = reading.fields.get("nik" if reading.document_type == "KTP" else "npwpNumber")
    name = reading.fields.get("name")
    return OverviewRow(
        *(result.file, reading.document_type, str(reading.score), reading.decision),
        *(number.value if number else "", name.value if name else "", ", ".join(reading.review_reasons)),
    )


def _failure(result: FileReading) -> str:
    return f"{result.error_code}: {result.error}"


def _print_reading(reading: "Reading") -> None:
    from service.reading.documents.reasons import advice

    table = Table("field", "value", "confidence", box=None)
    for key, field in reading.fields.items():
        table.add_row(key, field.value, f"{field.confidence:.2f}")
    console.print(table)
    reasons = f" ({', '.join(reading.review_reasons)})" if reading.review_reasons else ""
    console.print(
        f"\n{reading.document_type}, score {reading.score}: {reading.decision}{reasons},"
        f" read on the {reading.device}"
    )
    for sentence in advice(reading.review_reasons):
        print_line(f"- {sentence}")
