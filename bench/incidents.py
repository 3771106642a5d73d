"""`python -m bench.incidents`: stage incidents on real servers and record what an operator sees of each."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.browser import ABSENCE, PHONE_DARK, Browser, opened_browser
from bench.chaos.harness import ChaosWorker, Harness, open_harness, start_proxies
from bench.chaos.pictures import Behaviour
from bench.markdown import replace_block
from devstack.servers import filot_stack
from service.monitoring.cloudwatch import INTERVAL

PAGE = Path("docs/operations.md")

#: s to wait for what must come: longer than any threshold of the page's own.
TIMEOUT = 240.0


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident: how it is caused, what the status page must show, and how it is resolved."""

    #: Names the screenshot and the block in the page.
    name: str
    #: Part of the sentence that the status page must show.
    shown: str
    #: Causes it; returns the worker whose status page is opened.
    make: Callable[[Harness], ChaosWorker]
    #: Resolves it; returns the worker whose status page must then no longer show it.
    mend: Callable[[Harness], ChaosWorker]


def _redis_away(harness: Harness) -> ChaosWorker:
    worker = harness.worker()
    harness.stack.valkey.stop()
    return worker


def _redis_back(harness: Harness) -> ChaosWorker:
    harness.stack.valkey.start()
    return harness.workers[0]


def _gpu_missing(harness: Harness) -> ChaosWorker:
    worker = harness.worker(ready=False, marks=False, OCR_GPU_ENABLED="true", OCR_GPU_AUTOFALLBACK="false")
    harness.enqueue(harness.add(Behaviour.GOOD, 3))
    return worker


def _gpu_missing_cpu_reads(harness: Harness) -> ChaosWorker:
    worker = harness.worker(marks=False, OCR_GPU_ENABLED="true")
    harness.enqueue(harness.add(Behaviour.GOOD, 3))
    return worker


def _cpu_allowed(harness: Harness) -> ChaosWorker:
    harness.workers[0].stop()
    return harness.worker("B", OCR_GPU_ENABLED="false")


def _reviews_away(harness: Harness) -> ChaosWorker:
    worker = harness.worker()
    harness.proxies["reviews"].cut()
    harness.enqueue(harness.add(Behaviour.DOUBTFUL, 2))
    return worker


def _reviews_back(harness: Harness) -> ChaosWorker:
    harness.proxies["reviews"].reset()
    return harness.workers[0]


def _poison(harness: Harness) -> ChaosWorker:
    worker = harness.worker()
    harness.enqueue([*harness.add(Behaviour.GOOD, 3), *harness.add(Behaviour.POISON)])
    return worker


def _poison_dropped(harness: Harness) -> ChaosWorker:
    (dead,) = harness.backend.execute("SELECT document_id::text AS id FROM ocr_worker.dead")
    _run(harness.workers[0], "dead", "drop", dead["id"])
    return harness.workers[0]


def _neighbour_stuck(harness: Harness) -> ChaosWorker:
    frozen = harness.worker("A")
    documents = harness.add(Behaviour.GOOD, 1, seconds=2)
    harness.enqueue(documents)
    harness.begun(documents)
    frozen.signal(signal.SIGSTOP)
    return harness.worker("B")


def _neighbour_thawed(harness: Harness) -> ChaosWorker:
    harness.workers[0].signal(signal.SIGCONT)
    return harness.workers[1]


INCIDENTS = (
    Incident("redis-away", "Redis is unavailable", _redis_away, _redis_back),
    Incident("gpu-lost", "is paused", _gpu_missing, _cpu_allowed),
    Incident("gpu-fallback", "runs on the CPU", _gpu_missing_cpu_reads, _cpu_allowed),
    Incident("reviews-away", "review service", _reviews_away, _reviews_back),
    Incident("poison", "used up its attempts", _poison, _poison_dropped),
    Incident("stuck-neighbour", "stopped responding", _neighbour_stuck, _neighbour_thawed),
)


def main() -> int:
    """Stage all incidents and write down what was seen; return 1 when one was not shown or stays."""
    parser = argparse.ArgumentParser(prog="python -m bench.incidents", description=__doc__)
    parser.add_argument("--only", action="append", choices=[incident.name for incident in INCIDENTS])
    options = parser.parse_args()
    console = Console(soft_wrap=True)
    if ABSENCE:
        console.print(ABSENCE)
        return 1
    failed = 0
    with (
        tempfile.TemporaryDirectory() as profile,
        filot_stack() as stack,
        start_proxies(stack) as proxies,
        opened_browser(Path(profile)) as browser,
    ):
        browser.look_with(PHONE_DARK)
        for incident in INCIDENTS:
            if options.only and incident.name not in options.only:
                continue
            with open_harness(stack, proxies, incident.name, short=True) as harness:
                seen = _staged(incident, harness, browser)
            failed += seen is None
            console.print(f"{incident.name}: {'shown and gone' if seen else 'NOT SHOWN, OR NOT GONE'}")
            if seen:
                replace_block(PAGE, incident.name, seen)
    return min(failed, 1)


def _staged(incident: Incident, harness: Harness, browser: Browser) -> str | None:
    """Cause an incident, record it and resolve it; return what was seen, in Markdown."""
    worker = incident.make(harness)
    made = time.time()
    address = f"http://127.0.0.1:{worker.port}/"
    if not harness.wait_for(lambda: worker.get("/health") is not None, 60):
        return None
    browser.open(address)
    if not harness.wait_for(lambda: incident.shown in " ".join(_sentences(browser)), TIMEOUT):
        return None
    banner = _sentences(browser)
    browser.picture(PAGE.parent / "operations" / f"{incident.name}.png")
    doctor = _run(worker, "doctor")
    report = _report_after(worker, made, harness)
    mended = incident.mend(harness)
    browser.open(f"http://127.0.0.1:{mended.port}/")
    started = time.monotonic()
    if not harness.wait_for(lambda: _is_gone(incident, browser), TIMEOUT):
        return None
    gone = time.monotonic() - started
    after = _sentences(browser)[0]
    browser.open("about:blank")
    return "\n".join(
        [
            f"![The status page on a phone](operations/{incident.name}.png)\n",
            *(f"> {line}  " for line in banner),
            "\n`filot-ocr doctor`, what is not green:\n",
            "```",
            *_not_green(doctor),
            "```\n",
            f"What the worker reports to CloudWatch meanwhile: {_values(report)}.\n",
            f"Once mended, the page says after {gone:.0f} s: {after}",
        ]
    )


def _sentences(browser: Browser) -> list[str]:
    """Return the problems that the status page shows, the worst first, without icons."""
    said = f"{browser.text('#banner')}\n{browser.text('#more')}"
    return [line.strip() for line in said.splitlines() if len(line.strip()) > 1]


def _is_gone(incident: Incident, browser: Browser) -> bool:
    # Until the first answer the banner has the class `unknown`.
    kind = str(browser.run("return document.querySelector('#banner')?.className ?? 'unknown'"))
    return "unknown" not in kind and incident.shown not in " ".join(_sentences(browser))


def _run(worker: ChaosWorker, *command: str) -> str:
    """Run a command with a worker's settings and return what it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "service", *command],
        env={**os.environ, **(worker.environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout


def _not_green(doctor: str) -> list[str]:
    """Return the lines of the doctor's report that are not green, each with its advice below it."""
    lines = doctor.rstrip().splitlines()
    return [line.rstrip() for line in lines if not line.startswith("green")] or ["(nothing)"]


def _report_after(worker: ChaosWorker, moment: float, harness: Harness) -> dict[str, Any] | None:
    """Return the first report for CloudWatch after a moment; None when none came within two intervals."""

    def reports() -> list[dict[str, Any]]:
        found = []
        for line in worker.log.read_text(errors="replace").splitlines():
            if line.startswith('{"_aws"'):
                report: dict[str, Any] = json.loads(line)
                if report["_aws"]["Timestamp"] > 1000 * (moment + 5):
                    found.append(report)
        return found

    harness.wait_for(lambda: bool(reports()), 2 * INTERVAL)
    return next(iter(reports()), None)


def _values(report: dict[str, Any] | None) -> str:
    if report is None:
        return "nothing"
    no_metrics = ("_aws", "Service", "StageSeconds")
    values = {name: value for name, value in report.items() if name not in no_metrics}
    heartbeat = "" if "Heartbeat" in values else ", and no `Heartbeat`"
    return ", ".join(f"`{name}` {value}" for name, value in values.items()) + heartbeat


if __name__ == "__main__":
    sys.exit(main())
