"""Dramatiq's command line with our log format and without core dumps; takes the arguments of `dramatiq`."""

import sys

from dramatiq import cli

from service.runtime.process_control import forbid_core_dumps
from service.settings import current_settings
from service.telemetry.logging import configure_logs, log_crashes

if __name__ == "__main__":
    forbid_core_dumps()
    configure_logs(current_settings().log_level)
    log_crashes()
    sys.exit(cli.main())
