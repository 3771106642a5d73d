"""Log lines say which job and how it went, and cannot say what a card says."""

import ast
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from service.telemetry.logging import ALLOWED, MAX_VALUE_LENGTH, configure_logs, formatter

SERVICE = Path(__file__).parents[3] / "service"

NAME = "SITI RAHAYU"


class Lines(logging.Handler):
    """Keeps what the formatter makes of each record."""

    def __init__(self, *, on_terminal: bool) -> None:
        super().__init__()
        self.setFormatter(formatter(on_terminal=on_terminal))
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    def last(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.texts[-1])
        return line


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(*, on_terminal: bool = False) -> Lines:
    configure_logs("info")
    lines = Lines(on_terminal=on_terminal)
    logging.getLogger().handlers[:] = [lines]
    return lines


def fail_with(secret: str) -> None:
    raise ValueError(f"no number: {secret}")


@pytest.mark.parametrize("where", ["fail()", "threading.Thread(target=fail).start()"])
def test_a_crash_is_one_line_of_json_without_its_message(where: str) -> None:
    program = (
        "import threading\n"
        "from service.telemetry.logging import configure_logs, log_crashes\n"
        "configure_logs('info')\n"
        "log_crashes()\n"
        "def fail():\n"
        f"    raise ValueError({NAME!r})\n"
        f"{where}\n"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    (line,) = (json.loads(line) for line in ended.stderr.splitlines())
    assert (line["event"], line["error"]) == ("worker_crashed", "ValueError")
    assert "fail" in line["exception"]
    assert NAME not in ended.stderr


def test_a_line_is_json_and_carries_the_job() -> None:
    written = lines()
    structlog.contextvars.bind_contextvars(
        document_id="d", job_id="j", correlation_id="c", attempt=2, device="cpu"
    )

    structlog.get_logger("service.test").info("document_read", score=90)

    line = written.last()
    assert line.items() >= {
        "document_id": "d", "job_id": "j", "correlation_id": "c", "attempt": 2, "device": "cpu", "score": 90,
        "event": "document_read", "level": "info", "logger": "service.test",
    }.items()  # fmt: skip
    assert line["timestamp"].endswith("Z")


def test_a_field_that_is_not_allowed_is_dropped_and_named() -> None:
    written = lines()

    structlog.get_logger().info("document_read", ocr_text=NAME, score=90)

    assert NAME not in written.texts[-1]
    assert written.last()["dropped"] == ["ocr_text"]
    assert written.last()["score"] == 90


def test_every_field_that_the_service_logs_is_allowed() -> None:
    used = {
        keyword.arg
        for path in SERVICE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and is_of_a_log(call.func)
        for keyword in call.keywords
        if keyword.arg
    }

    assert "document_id" in ALLOWED
    assert "reason" in used
    assert used <= ALLOWED | {"exc_info"}


def is_of_a_log(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(value=ast.Name(id="log")) | ast.Attribute(attr="bind_contextvars"):
            return True
        case ast.Name(id="report"):
            return True
    return False


@pytest.mark.parametrize("on_terminal", [True, False])
def test_an_exception_is_told_by_type_and_place_only(on_terminal: bool) -> None:
    written = lines(on_terminal=on_terminal)

    try:
        try:
            fail_with(NAME)
        except ValueError as error:
            raise RuntimeError(NAME) from error
    except RuntimeError:
        structlog.get_logger().exception("retries_exceeded", error="RuntimeError")

    text = written.texts[-1]
    assert NAME not in text
    assert "RuntimeError at " in text
    assert "caused by ValueError at " in text
    assert "telemetry/test_logging.py:" in text
    assert "fail_with" in text


@pytest.mark.parametrize("on_terminal", [True, False])
def test_other_libraries_messages_keep_their_words_and_numbers_and_lose_what_was_put_in(
    on_terminal: bool,
) -> None:
    written = lines(on_terminal=on_terminal)

    try:
        fail_with(NAME)
    except ValueError:
        logging.getLogger("library").warning("Failed to process %r after %d tries", [NAME], 3, exc_info=True)

    text = written.texts[-1]
    assert NAME not in text
    assert "Failed to process <list> after 3 tries" in text
    assert "ValueError at " in text


def test_a_library_message_that_its_values_do_not_fit_loses_them_all() -> None:
    written = lines()

    logging.getLogger("library").warning("%d pages", NAME)

    assert written.last()["event"] == "%d pages"


@pytest.mark.parametrize("on_terminal", [True, False])
def test_a_value_that_is_no_text_or_number_is_told_by_its_type(on_terminal: bool) -> None:
    written = lines(on_terminal=on_terminal)

    structlog.get_logger().info("document_read", reason=Path(NAME))

    assert NAME not in written.texts[-1]
    assert "Path>" in written.texts[-1]


def test_an_endless_id_makes_no_endless_line() -> None:
    written = lines()

    structlog.get_logger().info("document_read", document_id="7" * 1_000_000)

    assert written.last()["document_id"] == "7" * MAX_VALUE_LENGTH


def test_on_a_terminal_a_line_is_for_people() -> None:
    written = lines(on_terminal=True)

    structlog.get_logger().info("document_read", score=90)

    assert "document_read" in written.texts[-1]
    assert not written.texts[-1].startswith("{")


def test_an_exception_outside_of_any_handler_is_no_obstacle() -> None:
    written = lines()

    structlog.get_logger().error("stopped", exc_info=True)

    assert sys.exc_info() == (None, None, None)
    assert "exception" not in written.last()
