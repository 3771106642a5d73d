"""Runs the Pulumi program in a process of its own, as the CLI does, against the in-process engine."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2_grpc

from cloudless.engine import Engine

#: Timeout of a run in seconds, far more than it needs.
LIMIT = 250

#: The CLI's launcher for Python programs: configure, change into the folder, run it as a script.
LAUNCHER = """
import asyncio, runpy, sys, pulumi
from pulumi import runtime
address, project, stack, preview = sys.argv[1:5]
runtime.set_all_config(runtime.get_config_env(), runtime.get_config_secret_keys_env())
runtime.configure(runtime.Settings(monitor=address, engine=address, project=project, stack=stack,
                                   parallel=8, dry_run=preview == "preview"))
sys.argv = ["."]
try:
    asyncio.run(runtime.run_in_stack(lambda: runpy.run_path(".", run_name="__main__")))
except pulumi.RunError as error:
    pulumi.log.error(str(error))
    sys.exit(1)
"""


class ProgramError(Exception):
    """The program failed, or the engine refused a resource; the text gives the reason."""


def run_program(
    folder: Path, engine: Engine, config: Mapping[str, str], secrets: Collection[str] = ()
) -> None:
    """Run the program in ``folder`` to its end.

    Raises:
        ProgramError: it failed, or the engine refused a resource.
    """
    server = grpc.server(ThreadPoolExecutor(16))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(engine, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    environment = {
        **os.environ,
        "PULUMI_CONFIG": json.dumps(dict(config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(secrets)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # The program must find its modules without help.
    environment.pop("PYTHONPATH", None)
    mode = "preview" if engine.preview else "update"
    try:
        done = subprocess.run(
            [sys.executable, "-c", LAUNCHER, address, engine.project, engine.stack, mode],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    finally:
        server.stop(None)
    if done.returncode or engine.errors:
        raise ProgramError("\n".join([*engine.errors, *engine.messages, done.stderr[-4000:]]))
