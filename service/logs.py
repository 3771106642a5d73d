"""Log lines: JSON for machines, plain text on a terminal. Ids and codes only, never what a card says."""

import logging
import os
import sys

import structlog

#: Loggers that are too talkative below warning.
NOISY = ("apscheduler", "botocore", "boto3", "httpx", "httpcore", "urllib3", "PIL", "dramatiq")


def configure_logs(level: str) -> None:
    """Send structlog's and the standard library's records to stderr in one format.

    Parameters:
        level: ``debug``, ``info``, ``warn`` or ``error``
    """
    number = {"debug": 10, "info": 20, "warn": 30, "error": 40}[level]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Dramatiq puts a pipe in stderr's place; what the pipe ends in decides.
    on_terminal = os.isatty(2)
    last: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if on_terminal
        else [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(level=number, handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
