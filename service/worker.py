"""What `dramatiq service.worker` loads: the broker with its middleware and actors."""

import os
import sys

import dramatiq
import structlog

from service.errors import SettingsError
from service.monitoring.doctor.tls import insecure_connections
from service.runtime.actors import declare_actors
from service.runtime.app import current_runtime
from service.runtime.supervisor import EXIT_CONFIGURATION
from service.settings import unclear_switches, unknown_variables
from service.telemetry.logging import configure_logs

log = structlog.get_logger(__name__)

try:
    runtime = current_runtime()
except SettingsError as error:
    # One line, no traceback: whoever starts the worker reads it.
    sys.stderr.write(f"filot-ocr: {error}\n")
    sys.exit(EXIT_CONFIGURATION)

# Tesseract is handed pictures in temporary files: nobody else shall read them.
os.umask(0o077)
configure_logs(runtime.settings.log_level)
for sentence in insecure_connections(runtime.settings):
    log.warning("connection_not_proven", reason=sentence)
for sentence in unknown_variables(os.environ):
    log.warning("setting_unknown", reason=sentence)
for sentence in unclear_switches(runtime.settings, os.environ):
    log.warning("setting_unclear", reason=sentence)
declare_actors(runtime)
dramatiq.set_broker(runtime.broker)
