"""`read`: one local file, read with no server at all."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from service.cli.output import console, print_json, say
from service.errors import SettingsError
from service.reading.documents.reasons import advice


def read(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    document_type: Annotated[
        Literal["KTP", "NPWP"], typer.Option("--type", case_sensitive=False, help="What the card is.")
    ],
    driver: Annotated[Literal["onnx", "tesseract"], typer.Option(help="OCR engine.")] = "onnx",
    overlay: Annotated[Path | None, typer.Option(help="Draw what was read on the picture.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Read one local file with no server at all, and print its fields with confidences."""
    from service.reading.ocr.loading import load_engine
    from service.reading.pages import MAX_FILE_SIZE
    from service.reading.reader import read_document

    with file.open("rb") as opened:
        # One byte more than is allowed shows that it is too large, however large it is.
        content = opened.read(MAX_FILE_SIZE + 1)
    reading = read_document(content, document_type, load_engine(driver))
    if as_json:
        print_json(_for_programs(reading))
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
    for sentence in advice(reading.review_reasons):
        say(f"- {sentence}")


def _for_programs(reading: Any) -> dict[str, Any]:
    return {
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


def _write_overlay(path: Path, reading: Any) -> None:
    import cv2

    from service.reading.overlay import draw_overlay

    page = reading.page
    try:
        written = cv2.imwrite(str(path), draw_overlay(page.image, page.lines, reading.fields))
    except cv2.error:
        raise SettingsError(f"{path}: the overlay's name should end in .png or .jpg") from None
    if not written:
        raise SettingsError(f"{path} cannot be written")
