"""Personal data is in FiLot's rows, in the published result and in the review request, and nowhere else.

The worker is a real process that reads cards, good and bad ones; then everything that it wrote is searched
for every name, number and address on them.
"""

import io
import json
import re
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from PIL import Image

from devstack.backend import PROCESSING, FilotBackend
from devstack.cards import DemoCard, Level, sample_cards
from devstack.servers import FilotStack
from devstack.servers.worker import Worker
from tests.integration.test_api import picture
from tests.support.waiting import wait_until

#: Letters and digits: shorter parts of a value ("A", "WNI", "001") say nothing of anybody.
MIN_TELLING = 5

#: The same for a part of a name: many are short (Siti, Budi).
MIN_OF_A_NAME = 4

#: Digits of a number that no time and no id holds by chance; shorter ones (a postcode) tell when alone.
MIN_UNLIKELY = 9

#: Modules whose lines are a job's, beside all lines that name a document.
OF_JOBS = (
    "service.runtime.processing",
    "service.store.publisher",
    "service.store.reviews",
    "service.reading.pages.process",
)

#: Where the backend's own tables and everybody's system tables lie.
NOT_OURS = ("public", "pg_catalog", "information_schema")

#: PostgreSQL refuses this document's result and quotes it, as it does when a constraint fails.
QUOTING_TRIGGER = """
CREATE FUNCTION quote_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE check_violation USING MESSAGE = 'refused: ' || NEW.ocr_text || NEW.result_json; END $$;
CREATE TRIGGER quote_row BEFORE UPDATE ON documents FOR EACH ROW
    WHEN (NEW.status = 'completed' AND NEW.file_url LIKE '%%-refused')
    EXECUTE FUNCTION quote_row();
"""


@dataclass
class Ground:
    """A running worker, what it was given, and the folder that it has for temporary files."""

    worker: Worker
    backend: FilotBackend
    temporary: Path
    results: list[dict[str, Any]] = field(default_factory=list)

    def process(self, documents: Iterable[str]) -> None:
        """Have the worker end all of these, and tell everything about them."""
        waited_for = list(documents)
        with self.backend.listen() as channel:
            for document_id in waited_for:
                self.backend.enqueue(document_id)
            self.results += channel.wait_for(len(waited_for), timeout=240)
        undelivered = "SELECT 1 FROM ocr_worker.outbox WHERE told_at IS NULL"
        wait_until(lambda: not (self.backend.redis.scard(PROCESSING) or self.backend.execute(undelivered)))

    def answer(self, path: str) -> str:
        with urlopen(f"http://127.0.0.1:{self.worker.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())


@pytest.fixture
def start(
    stack: FilotStack, backend: FilotBackend, environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[[str], Ground]]:
    started: list[Worker] = []

    def start(driver: str) -> Ground:
        changes = {
            "OCR_GPU_DRIVER": driver,
            "OCR_GPU_POLL_INTERVAL": "50",
            "OCR_GPU_MAX_RETRIES": "1",
            "LOG_LEVEL": "debug",
            "TMPDIR": str(tmp_path),
            "HOME": str(tmp_path),
        }
        worker = Worker(stack.sandbox, {**environment, **changes}, name=f"worker-{uuid.uuid4().hex}")
        worker.start()
        started.append(worker)
        return Ground(worker, backend, tmp_path)

    yield start
    for worker in started:
        worker.stop()


@pytest.fixture
def refusing_rows(backend: FilotBackend) -> Iterator[None]:
    backend.execute(QUOTING_TRIGGER)
    yield
    backend.execute("DROP TRIGGER quote_row ON documents")
    backend.execute("DROP FUNCTION quote_row")


def cards() -> list[DemoCard]:
    """Cards of people who do not exist: clean, photographed, and too poor to read."""
    levels: tuple[Level, ...] = ("flat", "photo", "poor")
    return [card for level in levels for card in sample_cards(11, 2, level)]


def with_owner_in_exif(card: DemoCard) -> bytes:
    exif = Image.Exif()
    exif[0x013B] = exif[0x010E] = card.truth["name"]
    picture = io.BytesIO()
    Image.open(io.BytesIO(card.content)).save(picture, "JPEG", exif=exif)
    return picture.getvalue()


def documents_of(backend: FilotBackend, people: list[DemoCard]) -> Iterator[str]:
    """Each card once as it should be, and the first person's in every way that fails."""
    for card in people:
        yield backend.add_document(card.content, card.document_type, extension=card.filename.split(".")[-1])
    someone = people[0]
    yield backend.add_document(with_owner_in_exif(someone))
    yield backend.add_document(someone.content[: len(someone.content) // 3])
    yield backend.add_document(json.dumps(dict(someone.truth)).encode())
    yield backend.add_document(b"%PDF-1.7\n" + json.dumps(dict(someone.truth)).encode())
    yield backend.add_document(someone.content, someone.truth["name"][:50])
    for file_url in (
        someone.truth["name"],
        f"../{someone.truth['nik']}",
        f"ftp://{someone.truth['nik']}/card",
    ):
        document_id = backend.add_document(someone.content)
        backend.execute("UPDATE documents SET file_url = %s WHERE id = %s", file_url, document_id)
        yield document_id


def refused_by_postgres(backend: FilotBackend, card: DemoCard) -> str:
    document_id = backend.add_document(card.content, card.document_type)
    (row,) = backend.execute("SELECT file_url FROM documents WHERE id = %s", document_id)
    key = f"{row['file_url']}-refused"
    backend.storage.put_object(Bucket=backend.bucket, Key=key, Body=card.content)
    backend.execute("UPDATE documents SET file_url = %s WHERE id = %s", key, document_id)
    return document_id


def telling_parts(truths: Collection[Mapping[str, str]]) -> set[str]:
    """Every value on the cards, and every word and number in it that could tell who it was."""
    values = {value for truth in truths for value in truth.values()}
    words = {word for value in values for word in re.findall(r"[\w']+", value)}
    digits = {re.sub(r"\D", "", value) for value in values}
    names = {word for truth in truths for word in re.findall(r"[\w']+", truth["name"])}
    entry = {part for part in values | words | digits if len(part) >= MIN_TELLING}
    return {part.upper() for part in entry | {name for name in names if len(name) >= MIN_OF_A_NAME}}


def told_by(text: str, parts: set[str]) -> set[str]:
    upper = text.upper()
    words = set(re.findall(r"[\w']+", upper))
    return {part for part in parts if part in (words if _may_be_chance(part) else upper)}


def _may_be_chance(part: str) -> bool:
    return len(part) < (MIN_UNLIKELY if part.isdecimal() else MIN_TELLING)


def redis_dump(backend: FilotBackend) -> str:
    """Every key with what it holds, whatever its type."""
    keys = list(map(str, backend.redis.keys("*")))
    return repr({key: contents(backend, key) for key in keys})


def contents(backend: FilotBackend, key: str) -> Any:
    read: dict[str, Callable[[str], Any]] = {
        "string": backend.redis.get,
        "hash": backend.redis.hgetall,
        "set": backend.redis.smembers,
        "list": lambda name: backend.redis.lrange(name, 0, -1),
        "zset": lambda name: backend.redis.zrange(name, 0, -1),
    }
    kind = str(backend.redis.type(key))
    return read[kind](key) if kind in read else None


def own_tables(backend: FilotBackend) -> str:
    names = backend.execute(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables"
        " WHERE schemaname <> ALL (%s)",
        list(NOT_OURS),
    )
    assert names
    return repr({each["name"]: backend.execute(f"SELECT * FROM {each['name']}") for each in names})


def errors(ground: Ground) -> list[str]:
    """What users are told of failures: in the row and in the published result."""
    rows = ground.backend.execute(
        "SELECT result_json->>'error' AS error FROM documents WHERE status = 'failed'"
    )
    return [row["error"] for row in rows] + [
        result["error"] for result in ground.results if "error" in result
    ]


@pytest.mark.usefixtures("refusing_rows")
def test_nothing_that_the_worker_leaves_behind_tells_what_a_card_says(
    start: Callable[[str], Ground], backend: FilotBackend
) -> None:
    people = cards()
    parts = telling_parts([card.truth for card in people])
    ground = start("onnx")

    ground.process([*documents_of(backend, people), refused_by_postgres(backend, people[-1])])
    metrics, page = ground.answer("/metrics"), ground.answer("/status.json")
    ground.worker.stop()
    log = ground.worker.log.read_text()

    published = json.dumps(ground.results, ensure_ascii=False)
    assert len(told_by(published, parts)) > len(parts) / 3, (
        "the cards were read, so there was something to tell"
    )
    assert sum(result["success"] for result in ground.results) >= len(people)
    assert '"retries_exceeded"' in log
    assert "Heartbeat" in log
    assert len(errors(ground)) >= 14
    places = {
        "log and CloudWatch": log,
        "metrics": metrics,
        "status page": page,
        "errors": repr(errors(ground)),
        "Redis": redis_dump(backend),
        "own tables": own_tables(backend),
    }
    assert {place: told_by(text, parts) for place, text in places.items()} == {
        place: set() for place in places
    }
    assert [path for path in ground.temporary.rglob("*") if path.is_file()] == []
    assert list(ground.worker.directory.iterdir()) == []


@pytest.mark.programs("tesseract")
def test_tesseract_leaves_no_picture_behind(start: Callable[[str], Ground], backend: FilotBackend) -> None:
    (card, *_) = cards()
    ground = start("tesseract")

    ground.process([backend.add_document(card.content, card.document_type)])
    ground.worker.stop()

    assert told_by(ground.worker.log.read_text(), telling_parts([card.truth])) == set()
    assert [path for path in ground.temporary.rglob("*") if path.is_file()] == []


def test_every_line_of_a_job_says_which_job_it_is(
    start: Callable[[str], Ground], backend: FilotBackend, stack: FilotStack
) -> None:
    (card, *_) = cards()
    ground = start("onnx")
    stack.reviews.answer_with(500)
    doubtful = backend.add_document(picture(), "KTP")
    backend.enqueue(doubtful)
    wait_until(lambda: '"review_put_off"' in ground.worker.log.read_text())
    stack.reviews.answer_with(200)

    ground.process(
        [
            backend.add_document(card.content, card.document_type),
            backend.add_document(b"no picture", "KTP"),
            backend.add_document(card.content[: len(card.content) // 3], card.document_type),
        ]
    )
    ground.worker.stop()

    lines = [json.loads(line) for line in ground.worker.log.read_text().splitlines()]
    of_jobs = [line for line in lines if line.get("logger") in OF_JOBS or "document_id" in line]
    assert {line["event"] for line in of_jobs} >= {
        *("document_read", "document_failed", "result_published", "review_put_off", "review_requested")
    }
    for line in of_jobs:
        assert line.keys() >= {"document_id", "job_id", "correlation_id", "attempt", "device"}, line
    (read,) = [
        line for line in of_jobs if line["event"] == "document_read" and line["document_id"] == doubtful
    ]
    reviewed = [line for line in of_jobs if line["document_id"] == doubtful and "review_" in line["event"]]
    assert {(line["job_id"], line["correlation_id"], line["device"]) for line in reviewed} == {
        (read["job_id"], read["correlation_id"], "none")
    }
    assert "dropped" not in {name for line in lines for name in line}
