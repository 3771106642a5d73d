"""Local files for `read`: which ones are meant, and what is read from each."""

import glob
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from service.errors import DocumentError, EngineError

if TYPE_CHECKING:
    from service.reading.ocr.engine import Device, Engine, Page, PageText
    from service.reading.reader import Reading

WantedType: TypeAlias = Literal["KTP", "NPWP", "auto"]

#: The name that stands for standard input.
STDIN = "-"

NO_CARD = "no card recognised; --type KTP or --type NPWP reads it all the same"


class _NoCardError(Exception):
    """A file shows nothing of a KTP and nothing of an NPWP."""


@dataclass(frozen=True, slots=True)
class FileReading:
    """Result for one file: a reading, or the code and sentence of its failure."""

    #: The path, or ``-`` for standard input.
    file: str
    reading: "Reading | None" = None
    error_code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The files that arguments name, each once."""

    files: list[str]
    #: Files of folders that are left out: they are empty, or of no kind that can be read.
    skipped: list[str]


def find_files(arguments: Iterable[str]) -> FoundFiles:
    """Find the files that arguments name: files, folders, glob patterns, or ``-``.

    Folders are searched with their subfolders, for the kinds of files that can be read. An argument that
    names no file is returned as it is, for `read_file` to say so.
    """
    found: dict[str, None] = {}
    skipped: dict[str, None] = {}
    for argument in arguments:
        files = list(_files_of(argument))
        if Path(argument).is_dir():
            others = [file for file in files if not _is_readable_kind(Path(file))]
            skipped.update(dict.fromkeys(others))
            files = [file for file in files if file not in skipped]
        found.update(dict.fromkeys(files or [argument]))
    return FoundFiles(list(found), [file for file in skipped if file not in found])


def _files_of(argument: str) -> Iterator[str]:
    path = Path(argument)
    if argument == STDIN:
        yield STDIN
    elif path.is_dir():
        yield from (str(each) for each in sorted(path.rglob("*")) if each.is_file())
    elif path.exists():
        yield argument
    else:
        matches = (Path(each) for each in sorted(glob.glob(argument, recursive=True)))
        yield from (str(each) for each in matches if each.is_file())


def _is_readable_kind(path: Path) -> bool:
    from service.reading.pages.decoder.file_formats import detect_format

    try:
        with path.open("rb") as opened:
            return detect_format(opened.read(1024)) is not None
    except OSError:
        # Reported when its turn comes.
        return True


def read_file(file: str, wanted: WantedType, engine: "Engine") -> FileReading:
    """Read one file; a failure is part of the result."""
    try:
        return FileReading(file, _read_as(_content(file), wanted, engine))
    except DocumentError as error:
        return FileReading(file, error_code=error.code, error=str(error))
    except EngineError:
        return FileReading(file, error_code="engine", error="the OCR engine failed on this file")
    except _NoCardError:
        return FileReading(file, error_code="no_card", error=NO_CARD)
    except OSError as error:
        return FileReading(file, error_code="file_unreadable", error=_why_not_opened(error))


def _why_not_opened(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "no file in this folder can be read"
    return error.strerror or "it cannot be opened"


def _content(file: str) -> bytes:
    from service.reading.pages.refusals import too_large
    from service.settings import current_settings

    limit = current_settings().max_file_size * 2**20
    # One byte more than allowed shows that a file is too large, however large it is.
    if file == STDIN:
        content = sys.stdin.buffer.read(limit + 1)
    else:
        with Path(file).open("rb") as opened:
            content = opened.read(limit + 1)
    if len(content) > limit:
        raise too_large(limit)
    return content


def _read_as(content: bytes, wanted: WantedType, engine: "Engine") -> "Reading":
    from service.reading.documents.classification import classify_page
    from service.reading.reader import read_document
    from service.settings import current_settings

    min_probability = current_settings().min_probability
    if wanted != "auto":
        return read_document(content, wanted, engine, min_probability)
    cached = _CachingEngine(engine)
    as_ktp = read_document(content, "KTP", cached, min_probability)
    shown = {classify_page(page.lines) for page in as_ktp.pages}
    if "KTP" in shown:
        return as_ktp
    as_npwp = read_document(content, "NPWP", cached, min_probability)
    if "NPWP" in shown:
        return as_npwp
    best = as_npwp if as_npwp.score > as_ktp.score else as_ktp
    if not best.score:
        raise _NoCardError
    return best


class _CachingEngine:
    """An engine that recognises each page of one file once, so that it can be parsed as both types."""

    def __init__(self, engine: "Engine") -> None:
        self.engine = engine
        self.name = engine.name
        self._texts: dict[bytes, PageText] = {}

    @property
    def device(self) -> "Device":
        """Where the engine computes."""
        return self.engine.device

    def read(self, page: "Page") -> "PageText":
        """Return the page's text, from the cache when the page was read before."""
        key = page.image.tobytes()
        if key not in self._texts:
            self._texts[key] = self.engine.read(page)
        return self._texts[key]
