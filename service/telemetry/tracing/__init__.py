"""OpenTelemetry traces of jobs, off unless ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set.

This module does not import OpenTelemetry: that is in the extra ``tracing``, and `start` loads it when needed.
"""

import importlib
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from service.errors import SettingsError
from service.settings import Settings


class _Process:
    """State of this process: its traces, or None while tracing is off."""

    traces: Any = None


def start(settings: Settings) -> Any:
    """Start tracing if the settings say so; return the `traces.Traces` of this process, else None.

    Call it before the first connection to PostgreSQL: only connections that are opened afterwards are traced.

    Raises:
        SettingsError: tracing is on, but its libraries are not installed.
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
    """Export the remaining spans and stop tracing."""
    if _Process.traces is not None:
        traces, _Process.traces = _Process.traces, None
        traces.close()


def span(name: str) -> AbstractContextManager[Any]:
    """Record the block as one span of the current job's trace; does nothing while tracing is off."""
    return nullcontext() if _Process.traces is None else _Process.traces.span(name)
