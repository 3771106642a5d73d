"""Log format: JSON, or plain text on a terminal. Lines hold ids and codes, never the content of a card.

Three rules keep personal data out, whichever logger writes the line: only listed fields are written;
exceptions are written as type and place, without their message; messages of other libraries are written
without the values that were formatted into them.
"""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

log = structlog.get_logger(__name__)

#: Loggers of which only errors are logged: APScheduler repeats a warning at every run, which the scheduler
#: logs itself at a limited rate.
REPETITIVE = ("apscheduler",)

#: Loggers that are too verbose below warning.
NOISY = (
    "botocore",
    "boto3",
    "httpx",
    "httpcore",
    "urllib3",
    "PIL",
    "dramatiq",
    "opentelemetry",
)

#: Fields that a line may have. Before adding one, check that it can never hold the content of a card.
ALLOWED = frozenset(
    {
        *("event", "level", "logger", "timestamp", "exception", "dropped"),
        # which job
        *("document_id", "job_id", "correlation_id", "attempt", "attempts", "device"),
        # how it went: codes, scores, durations
        *("code", "error", "outcome", "processing_time_ms", "reason", "review_reasons", "score", "seconds"),
        # how many
        *("documents", "entries", "jobs", "leases_expired", "listeners", "results", "retries_due"),
        # what an entry of the queue is that is no document id: its length and its hash, never the entry
        *("length", "sha1"),
        # what an operator did by a command
        *("action", "operator"),
        # which part of the service
        *("channel", "cpu_s", "engine", "exit_code", "next_start_in_s", "port", "task"),
    }
)

#: Maximum characters of one value: ids come from Redis, where anything can be pushed.
MAX_VALUE_LENGTH = 300

#: Frames of a traceback that are written, innermost first, and path components of each file.
MAX_FRAMES, PATH_PARTS = 12, 3


def configure_logs(level: str) -> None:
    """Write the records of structlog and of the standard library to stderr, in one format.

    Parameters:
        level: ``debug``, ``info``, ``warn`` or ``error``
    """
    number = {"debug": 10, "info": 20, "warn": 30, "error": 40}[level]
    handler = logging.StreamHandler(sys.stderr)
    # Dramatiq replaces sys.stderr by a pipe; the file descriptor tells whether a terminal is behind it.
    handler.setFormatter(formatter(on_terminal=os.isatty(2)))
    logging.basicConfig(level=number, handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    for name in REPETITIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def log_crashes() -> None:
    """Log what nobody catches, in this thread or another, like any other line: without its message."""

    def log_uncaught(error: BaseException | None) -> None:
        if not isinstance(error, KeyboardInterrupt | SystemExit | None):
            log.critical("worker_crashed", error=type(error).__name__, exc_info=error)

    sys.excepthook = lambda _, error, __: log_uncaught(error)
    threading.excepthook = lambda ended: log_uncaught(ended.exc_value)


def formatter(*, on_terminal: bool) -> structlog.stdlib.ProcessorFormatter:
    """Return the formatter for the records of structlog and of all other loggers."""
    last: Processor = structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer()
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_without_values, *_shared()],
        use_get_message=False,
        pass_foreign_args=True,
        processors=[
            _format_exception,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _allowed_fields,
            last,
        ],
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _allowed_fields(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Drop fields that are not listed, and name them in ``dropped``."""
    line = {field: _plain(value) for field, value in event.items() if field in ALLOWED}
    dropped = sorted(event.keys() - ALLOWED)
    return {**line, "dropped": dropped} if dropped else line


def _plain(value: Any) -> Any:
    """Return a JSON value of limited length; of any other value, the name of its type."""
    if isinstance(value, str):
        return value[:MAX_VALUE_LENGTH]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, int | float) else _type_name(value)


def _type_name(value: Any) -> str:
    return f"<{type(value).__name__}>"


def _without_values(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Format another library's message with its numbers only; texts and objects become their types."""
    values = event.pop("positional_args", None) or ()
    template = str(event["event"])
    if isinstance(values, tuple):
        safe = tuple(value if isinstance(value, int | float) else _TypeOnly(value) for value in values)
        # A template that these values do not fit is logged unformatted.
        with suppress(TypeError, ValueError):
            template = template % safe if safe else template
    event["event"] = template
    return event


class _TypeOnly:
    """Stands in for a value, and formats as its type."""

    def __init__(self, value: Any) -> None:
        self.text = _type_name(value)

    def __repr__(self) -> str:
        return self.text


def _format_exception(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Replace an exception by text without its message and variables: both can quote a card."""
    given = event.pop("exc_info", None)
    if given:
        error = (
            given if isinstance(given, BaseException) else (given if given is not True else sys.exc_info())[1]
        )
        if error is not None:
            event["exception"] = "; caused by ".join(_format_error(each) for each in _chain(error))
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _format_error(error: BaseException) -> str:
    frames = [
        f"{'/'.join(Path(frame.f_code.co_filename).parts[-PATH_PARTS:])}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    place = " < ".join(reversed(frames[-MAX_FRAMES:]))
    return f"{type(error).__qualname__} at {place}" if place else type(error).__qualname__
