"""`make costs`: dollars for 1,000 documents on CPUs, and what a GPU has to read to be cheaper."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.day import DAY, peak_factor
from bench.markdown import replace_block
from bench.measured import cpu_documents_a_second

PRICES = Path(__file__).parent.parent / "infra_pulumi" / "prices.json"

#: The stack's own region, and one in which more of the prices were found in a catalogue.
REGIONS = ("ap-southeast-1", "us-east-1")

GPUS = ("g4dn.xlarge", "g5.xlarge", "g6.xlarge")

#: Machines of two vCPUs beside Fargate.
CPUS = ("c7i.large", "c7g.large")

#: vCPUs and GiB of the task on Fargate: the stack's default.
VCPUS, GIB = 2, 4

FARGATE = f"Fargate, {VCPUS} vCPU, {GIB} GiB"


@dataclass(frozen=True, slots=True)
class Machine:
    """What one worker runs on."""

    name: str
    #: Dollars an hour, on demand.
    price: float
    #: Whether the catalogue that the price table names has the same price.
    found: bool

    def for_thousand(self, rate: float) -> float:
        """Dollars for 1,000 documents while it reads so many a second without a break."""
        return 1000 / rate * self.price / 3600


def main() -> None:
    """Print the tables, and write them into a Markdown file where one is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description=__doc__)
    parser.add_argument("--markdown", type=Path, help="replace the tables between the marks in this file")
    arguments = parser.parse_args()
    text = as_markdown(json.loads(PRICES.read_text()), cpu_documents_a_second())
    Console().print(text, markup=False, highlight=False, soft_wrap=True)
    if arguments.markdown:
        replace_block(arguments.markdown, "costs", text)


def as_markdown(prices: Mapping[str, Any], rate: float) -> str:
    """The tables of both regions.

    Parameters:
        prices: the price table
        rate: documents a second of a worker on two cores
    """
    parts = [
        f"Dollars on demand (`infra_pulumi/prices.json`). Two cores read {rate} documents/s, as measured "
        "above; *r* is what one GPU reads in a second, which nobody has measured."
    ]
    for region in REGIONS:
        local = prices["regions"][region]
        cpus = _cpus(local)
        parts += [f"{region}:", _cpu_table(cpus, rate), _gpu_table(_gpus(local), cpus[:2], rate)]
    return "\n\n".join(parts)


def _cpus(local: Mapping[str, Any]) -> list[Machine]:
    fargate = VCPUS * local["fargate_vcpu_hour"] + GIB * local["fargate_gib_hour"]
    return [Machine(FARGATE, fargate, found=False), *_instances(local, CPUS)]


def _gpus(local: Mapping[str, Any]) -> list[Machine]:
    return list(_instances(local, GPUS))


def _instances(local: Mapping[str, Any], names: Sequence[str]) -> Iterator[Machine]:
    for name in names:
        yield Machine(name, local["instance_hour"][name], name in local["in_catalogue"])


def _cpu_table(cpus: Sequence[Machine], rate: float) -> str:
    rows = [["CPU", "price", "$ an hour", "$ for 1,000 documents"], ["---", "---", "---:", "---:"]]
    rows += [[cpu.name, _checked(cpu), f"{cpu.price:.4f}", f"{cpu.for_thousand(rate):.4f}"] for cpu in cpus]
    return _as_rows(rows)


def _gpu_table(gpus: Sequence[Machine], cpus: Sequence[Machine], rate: float) -> str:
    rows = [["GPU", "price", "$ an hour", "$ for 1,000 documents"], ["---", "---", "---:", "---:"]]
    for cpu in cpus:
        rows[0] += [f"cheaper than {cpu.name.split(',')[0]}: *r* of", "and documents a day"]
        rows[1] += ["---:", "---:"]
    for gpu in gpus:
        row = [gpu.name, _checked(gpu), f"{gpu.price:.4f}", f"{gpu.for_thousand(1):.4f} / *r*"]
        for cpu in cpus:
            row += [f"{break_even(gpu, cpu, rate):.1f}", f"{round(pays_from(gpu, cpu, rate), -4):,.0f}"]
        rows.append(row)
    return _as_rows(rows)


def break_even(gpu: Machine, cpu: Machine, rate: float) -> float:
    """Documents a second from which a busy GPU is cheaper than busy CPUs."""
    return rate * gpu.price / cpu.price


def pays_from(gpu: Machine, cpu: Machine, rate: float) -> float:
    """Documents a day from which one GPU costs less than the CPUs that the busiest hour needs, all day."""
    return break_even(gpu, cpu, rate) * DAY * 60 / peak_factor()


def _checked(machine: Machine) -> str:
    return "in the catalogue" if machine.found else "to be checked"


def _as_rows(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
