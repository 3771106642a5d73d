"""What `dramatiq service.worker` loads: the broker with its middleware and actors."""

import multiprocessing
import os
import sys
from contextlib import suppress

import dramatiq
import redis
import structlog

from service.errors import SettingsError
from service.monitoring.doctor.tls import insecure_connections
from service.runtime.actors import declare_actors
from service.runtime.app import current_app
from service.runtime.process_control import forbid_core_dumps, terminate_with_parent
from service.runtime.supervisor import EXIT_CONFIGURATION
from service.settings import unclear_switches, unknown_variables
from service.telemetry.logging import configure_logs

log = structlog.get_logger(__name__)

forbid_core_dumps()
master = multiprocessing.parent_process()
if master is not None and master.pid is not None:
    # Without its master this process would go on while the supervisor starts another one beside it.
    terminate_with_parent(master.pid)
try:
    app = current_app()
    # A server that is down is waited for; one that cannot hold the queue is refused here.
    with suppress(redis.RedisError):
        app.document_queue.check_server()
except SettingsError as error:
    # One line without a traceback, for whoever starts the worker.
    sys.stderr.write(f"filot-ocr: {error}\n")
    sys.exit(EXIT_CONFIGURATION)

# Tesseract gets pictures in temporary files, which nobody else may read.
os.umask(0o077)
configure_logs(app.settings.log_level)
for sentence in insecure_connections(app.settings):
    log.warning("connection_not_proven", reason=sentence)
for sentence in unknown_variables(os.environ):
    log.warning("setting_unknown", reason=sentence)
for sentence in unclear_switches(app.settings, os.environ):
    log.warning("setting_unclear", reason=sentence)
declare_actors(app)
dramatiq.set_broker(app.broker)
