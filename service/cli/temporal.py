"""`temporal`: serve the activity `processDocumentGPU` to Temporal workflows."""

from importlib.util import find_spec

from service.cli.output import EXIT_ENVIRONMENT, EXIT_INPUT, exit_with


def temporal() -> None:
    """Serve the Temporal activity `processDocumentGPU` until SIGTERM; workers read the documents."""
    if find_spec("temporalio") is None:
        exit_with(
            "`temporal` needs the extra `temporal`: pip install 'filot-ocr-worker[temporal]', or in a clone "
            "pip install -e '.[temporal]'",
            EXIT_INPUT,
        )
    from service.runtime.temporal import serve
    from service.settings import load_settings, require_servers
    from service.telemetry.logging import configure_logs, log_crashes

    settings = load_settings()
    require_servers(settings)
    configure_logs(settings.log_level)
    log_crashes()
    try:
        serve(settings)
    except RuntimeError:
        # The library's own text quotes its transport.
        exit_with(
            f"Temporal does not answer at {settings.temporal_address}: check TEMPORAL_ADDRESS",
            EXIT_ENVIRONMENT,
        )
