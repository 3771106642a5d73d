"""Log lines: JSON for machines, plain text on a terminal. Ids and codes only, never what a card says.

Three things keep personal data out, whatever a line is written by: fields are allowed by name, exceptions are
told by type and place without their messages, and other libraries' messages lose the values put into them.
"""

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

#: Loggers of which only errors matter: what APScheduler warns of at each turn, `schedule` says now and then.
REPETITIVE = ("apscheduler",)

#: Loggers that are too talkative below warning.
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

#: Fields that a line may have. A new one needs a look: can it ever hold what a card says?
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
        # which part of the service
        *("channel", "cpu_s", "engine", "exit_code", "next_start_in_s", "port", "task"),
    }
)

#: Characters of one value: ids come out of Redis, where anything may have been pushed.
MAX_VALUE_LENGTH = 300

#: Steps of a traceback that are told, the innermost first, and parts of each file's path.
MAX_STEPS, PATH_PARTS = 12, 3


def configure_logs(level: str) -> None:
    """Send structlog's and the standard library's records to stderr in one format.

    Parameters:
        level: ``debug``, ``info``, ``warn`` or ``error``
    """
    number = {"debug": 10, "info": 20, "warn": 30, "error": 40}[level]
    handler = logging.StreamHandler(sys.stderr)
    # Dramatiq puts a pipe in stderr's place; what the pipe ends in decides.
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


def formatter(*, on_terminal: bool) -> structlog.stdlib.ProcessorFormatter:
    """What turns a record, of structlog's or of any other logger, into a line."""
    last: Processor = structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer()
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_without_values, *_shared()],
        use_get_message=False,
        pass_foreign_args=True,
        processors=[
            _told_exception,
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
    """Drop fields that are not allowed, and say so."""
    line = {field: _plain(value) for field, value in event.items() if field in ALLOWED}
    dropped = sorted(event.keys() - ALLOWED)
    return {**line, "dropped": dropped} if dropped else line


def _plain(value: Any) -> Any:
    """A value as JSON has it, of bounded length; of any other only the type."""
    if isinstance(value, str):
        return value[:MAX_VALUE_LENGTH]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, int | float) else _shown(value)


def _shown(value: Any) -> str:
    return f"<{type(value).__name__}>"


def _without_values(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Another library's message as it stands in its code, with numbers filled in, but no texts or objects."""
    values = event.pop("positional_args", None) or ()
    template = str(event["event"])
    if isinstance(values, tuple):
        safe = tuple(value if isinstance(value, int | float) else _Shown(value) for value in values)
        # A template that these do not fit says enough as it is.
        with suppress(TypeError, ValueError):
            template = template % safe if safe else template
    event["event"] = template
    return event


class _Shown:
    """Stands for a value of which only the type is told."""

    def __init__(self, value: Any) -> None:
        self.text = _shown(value)

    def __repr__(self) -> str:
        return self.text


def _told_exception(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """An exception as text, without its message and its variables: both can quote a card."""
    given = event.pop("exc_info", None)
    if given:
        error = (
            given if isinstance(given, BaseException) else (given if given is not True else sys.exc_info())[1]
        )
        if error is not None:
            event["exception"] = "; caused by ".join(_told(each) for each in _chain(error))
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)


def _told(error: BaseException) -> str:
    steps = [
        f"{'/'.join(Path(frame.f_code.co_filename).parts[-PATH_PARTS:])}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    place = " < ".join(reversed(steps[-MAX_STEPS:]))
    return f"{type(error).__qualname__} at {place}" if place else type(error).__qualname__
