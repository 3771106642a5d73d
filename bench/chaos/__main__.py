"""`python -m bench.chaos`: play the scenarios, print the table, and fail when a promise was broken."""

import argparse
import secrets
import sys
import time
import traceback
from pathlib import Path

from rich.console import Console

from bench.chaos.findings import Findings
from bench.chaos.harness import open_harness, start_proxies
from bench.chaos.scenarios import SCENARIOS, Scenario
from bench.chaos.table import Row, as_markdown, as_table
from bench.markdown import replace_block
from devstack.servers import FilotStack, filot_stack


def main() -> int:
    """Play; returns the number of scenarios that broke a promise."""
    options = _options()
    console = Console()
    chosen = [
        s for s in SCENARIOS if (s.name in options.only if options.only else s.in_short or not options.short)
    ]
    rows = []
    with filot_stack(durable=True) as stack:
        if options.busy:
            burn_a_core(stack)
        for scenario in chosen:
            row = play(stack, scenario, options.seed, short=options.short)
            rows.append(row)
            console.print(
                f"{row.name}: {'; '.join(row.figures)} ({row.seconds:.0f} s)",
                markup=False,
                emoji=False,
                soft_wrap=True,
            )
            for broken in row.broken:
                console.print(
                    f"  BROKEN  {broken}", style="bold red", markup=False, emoji=False, soft_wrap=True
                )
    run = f"seed {options.seed}{', one core kept busy' if options.busy else ''}"
    console.print(as_table(rows, run))
    if options.markdown:
        replace_block(options.markdown, "fault bench", as_markdown(rows, run))
    return sum(bool(row.broken) for row in rows)


def play(stack: FilotStack, scenario: Scenario, seed: int, *, short: bool) -> Row:
    """Play one scenario with a fresh harness; the servers are all up again afterwards."""
    findings = Findings()
    started = time.monotonic()
    with (
        start_proxies(stack) as proxies,
        open_harness(stack, proxies, f"{seed} {scenario.name}", short=short) as harness,
    ):
        try:
            scenario.play(harness, findings)
        # Whatever it is, the other scenarios are still worth playing.
        except Exception as error:
            traceback.print_exc()
            findings.broken.append(f"the scenario broke off: {type(error).__name__}: {error}")
        ended = time.monotonic()
        for server in (stack.valkey, stack.postgres, stack.reviews):
            if not server.answers():
                server.kill()
                server.start()
    return Row(
        scenario.name,
        scenario.fault,
        tuple(findings.figures),
        tuple(findings.broken),
        ended - started,
        bool(findings.skipped),
    )


def burn_a_core(stack: FilotStack) -> None:
    """Keep one core busy until the servers end: whoever needs the other half of a small machine is late."""
    directory = stack.sandbox.directory
    stack.sandbox.run(
        [sys.executable, "-c", "while True: pass"], directory=directory, log=directory / "busy.log"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000), help="repeats a run's choices")
    parser.add_argument("--only", action="append", choices=names, help="play this one; can be repeated")
    parser.add_argument("--short", action="store_true", help="few, small scenarios: a minute or so")
    parser.add_argument("--busy", action="store_true", help="keep one core busy beside the workers")
    parser.add_argument("--markdown", type=Path, help="page with markers to put the table into")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(min(main(), 100))
