"""Traces of jobs by OpenTelemetry, off unless ``OTEL_EXPORTER_OTLP_ENDPOINT`` says where they go.

This module needs nothing of OpenTelemetry, which comes with the extra ``tracing`` and is loaded when wanted.
"""

import importlib
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from service.errors import SettingsError
from service.settings import Settings


class _Process:
    """The traces of this process; None while they are off."""

    traces: Any = None


def start(settings: Settings) -> Any:
    """Begin to trace when the settings say so; returns the `traces.Traces` of this process, else None.

    To be called before the first connection to PostgreSQL, which is traced from its beginning or never.

    Raises:
        SettingsError: traces are wanted, and this installation cannot make them.
    """
    if settings.otlp_endpoint is None:
        return None
    try:
        traces = importlib.import_module("service.telemetry.tracing.traces")
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT is set, but {error.name} is missing: install extra `tracing`"
        ) from None
    _Process.traces = traces.Traces.over_http()
    return _Process.traces


def stop() -> None:
    """Send what is left, and trace no more."""
    if _Process.traces is not None:
        traces, _Process.traces = _Process.traces, None
        traces.close()


def span(name: str) -> AbstractContextManager[Any]:
    """Show what happens inside as one span of the current job's trace; nothing while traces are off."""
    return nullcontext() if _Process.traces is None else _Process.traces.span(name)
