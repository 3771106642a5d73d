"""Dramatiq's command line in a process that leaves no core dump; takes the arguments of `dramatiq`."""

import sys

from dramatiq import cli

from service.runtime.process_control import forbid_core_dumps

if __name__ == "__main__":
    forbid_core_dumps()
    sys.exit(cli.main())
