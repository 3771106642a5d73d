"""What `dramatiq service.worker` loads: the broker with its middleware and actors."""

import multiprocessing
import os
import sys
from contextlib import suppress

import dramatiq
import redis
import structlog

from service.errors import SettingsError
from service.monitoring.doctor.review_service import NO_CALLBACK, has_no_callback
from service.monitoring.doctor.tls import insecure_connections
from service.runtime.actors import declare_actors
from service.runtime.app import App, current_app
from service.runtime.process_control import forbid_core_dumps, terminate_with_parent
from service.runtime.supervisor import EXIT_CONFIGURATION
from service.settings import unclear_switches, unknown_variables
from service.telemetry.logging import configure_logs, log_crashes

log = structlog.get_logger(__name__)


def _load() -> App:
    """Build the application and warn of settings that are not what they seem."""
    app = current_app()
    # A server that is down is waited for; one that cannot hold the queue is refused here.
    with suppress(redis.RedisError):
        app.document_queue.check_server()
    configure_logs(app.settings.log_level)
    for sentence in insecure_connections(app.settings):
        log.warning("connection_not_proven", reason=sentence)
    for sentence in unknown_variables(os.environ):
        log.warning("setting_unknown", reason=sentence)
    for sentence in unclear_switches(app.settings, os.environ).values():
        log.warning("setting_unclear", reason=sentence)
    if has_no_callback(app.settings):
        log.warning("review_without_callback", reason=NO_CALLBACK)
    declare_actors(app)
    return app


forbid_core_dumps()
master = multiprocessing.parent_process()
if master is not None and master.pid is not None:
    # Without its master this process would go on while the supervisor starts another one beside it.
    terminate_with_parent(master.pid)
# Tesseract gets pictures in temporary files, which nobody else may read.
os.umask(0o077)
# The settings, which name the level, are read later.
configure_logs("info")
log_crashes()
try:
    app = _load()
except SettingsError as error:
    # One line without a traceback, for whoever starts the worker.
    log.critical("worker_cannot_start", reason=str(error))
    sys.exit(EXIT_CONFIGURATION)
except Exception as error:
    # Not left to multiprocessing, which would print a traceback with the message.
    log.critical("worker_crashed", error=type(error).__name__, exc_info=error)
    sys.exit(1)
dramatiq.set_broker(app.broker)
