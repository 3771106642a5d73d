"""A month's bill of a stack's configuration, from the price table in the tree."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra_pulumi import metrics
from infra_pulumi.config import Compute, StackConfig
from infra_pulumi.instance_types import FARGATE_SIZE, TaskSize
from infra_pulumi.release.programs import Refusal
from infra_pulumi.release.stack_file import StackFile

PRICES = Path(__file__).parent.parent / "prices.json"

HOURS = 730

#: Metrics in alarms: GPU stacks have 9 alarms, one of them on two metrics and one on three; CPU stacks have
#: two alarms fewer.
ALARM_METRICS: Mapping[Compute, int] = {"gpu": 12, "cpu": 10}

#: Metrics that only a worker with a GPU reports.
GPU_METRICS = frozenset({metrics.GPU_IN_USE, metrics.GPU_UTILIZATION, metrics.FALLBACK_DOCUMENTS})

#: GiB of the root volume and its MiB/s above those that cost nothing: ``capacity.DISK_GIB``.
DISK_GIB, DISK_EXTRA_MIBPS = 80, 400 - 125

#: GiB of images that the registry keeps: ten releases share most layers.
REGISTRY_GIB = {"gpu": 5, "cpu": 1}

#: Interface endpoints and zones of a network that the stack makes: ``network.ENDPOINTS``.
ENDPOINTS, ZONES = 7, 2


@dataclass(frozen=True, slots=True)
class Traffic:
    """How busy a month is."""

    name: str
    #: Hours a day with the largest number of workers; the smallest otherwise.
    busy_hours: float
    log_gib: float
    #: GiB a month through a NAT gateway.
    nat_gib: float


TRAFFIC = (
    Traffic("idle", 0, 0.5, 1),
    Traffic("light (2 busy hours a day)", 2, 2, 20),
    Traffic("heavy (10 busy hours a day)", 10, 20, 300),
)


def table(stack: StackFile, prices: Mapping[str, Any] | None = None) -> str:
    """Bills of the configured stack for each traffic, with and without GPUs.

    Raises:
        Refusal: the table has no prices of the stack's region or instance type.
    """
    known = prices or json.loads(PRICES.read_text())
    if stack.region not in known["regions"]:
        raise Refusal(f"{PRICES.name} has no prices of {stack.region}: add them from AWS' price pages.")
    local = known["regions"][stack.region]
    status = "checked" if known["checked"] else "not checked against a bill"
    lines = [
        f"US dollars a month, stack {stack.stack}, {stack.region}; prices of {known['as_of']}, {status} "
        f"(infra_pulumi/{PRICES.name}).",
        "",
        f"{'traffic':28}{'GPU':>10}{'CPU':>10}",
    ]
    for traffic in TRAFFIC:
        gpu, cpu = (sum(bill(stack.config, local, traffic, kind).values()) for kind in ("gpu", "cpu"))
        lines.append(f"{traffic.name:28}{gpu:10,.0f}{cpu:10,.0f}")
    lines += ["", f"As configured ({stack.config.compute}), light traffic:"]
    for item, dollars in bill(stack.config, local, TRAFFIC[1], stack.config.compute).items():
        lines.append(f"  {item:40}{dollars:10,.2f}")
    lines.append("\nThe same number of workers in both columns; a CPU worker reads fewer documents an hour.")
    return "\n".join(lines)


def bill(
    config: StackConfig, prices: Mapping[str, Any], traffic: Traffic, compute: Compute
) -> dict[str, float]:
    """Dollars a month by item."""
    hours = worker_hours(config, traffic)
    items = dict(_instances(config, prices, hours) if compute == "gpu" else _fargate(config, prices, hours))
    items.update(_network(config, prices, traffic, hours, compute))
    reported = len(metrics.ALL - (GPU_METRICS if compute == "cpu" else frozenset()))
    secrets = 11 - len(config.without_secrets)
    items |= {
        "logs": traffic.log_gib * prices["log_gib"],
        f"{reported} custom metrics": reported * prices["metric_month"],
        f"{ALARM_METRICS[compute]} metrics in alarms": ALARM_METRICS[compute] * prices["alarm_metric_month"],
        "dashboard": prices["dashboard_month"],
        f"{secrets} secrets": secrets * prices["secret_month"],
        "image registry": REGISTRY_GIB[compute] * prices["registry_gib_month"],
    }
    return items


def worker_hours(config: StackConfig, traffic: Traffic) -> float:
    """Hours a month of all workers together."""
    busy = traffic.busy_hours / 24
    return HOURS * (config.min_workers * (1 - busy) + config.max_workers * busy)


def _spot(config: StackConfig, hours: float) -> tuple[float, float]:
    """Worker hours on demand and on Spot."""
    base = min(hours, HOURS * config.on_demand_base)
    spot = (hours - base) * config.spot_percent / 100
    return hours - spot, spot


def _instances(config: StackConfig, prices: Mapping[str, Any], hours: float) -> Iterator[tuple[str, float]]:
    # The CPU variant's column of a GPU stack, and the other way round, takes the defaults of the other.
    kind = config.instance_types[0]
    if kind not in prices["instance_hour"]:
        raise Refusal(f"{PRICES.name} has no price of {kind}: add it from AWS' price pages.")
    on_demand, spot = _spot(config, hours)
    yield f"{kind} instances", prices["instance_hour"][kind] * (on_demand + spot * prices["spot_share"])
    disk = DISK_GIB * prices["disk_gib_month"] + DISK_EXTRA_MIBPS * prices["disk_mibps_month"]
    yield "their disks", hours / HOURS * disk


def _fargate(config: StackConfig, prices: Mapping[str, Any], hours: float) -> Iterator[tuple[str, float]]:
    size: TaskSize = config.task_size if config.compute == "cpu" else FARGATE_SIZE
    on_demand, spot = _spot(config, hours)
    an_hour = size.cpu / 1024 * prices["fargate_vcpu_hour"] + size.memory / 1024 * prices["fargate_gib_hour"]
    yield "Fargate tasks", an_hour * (on_demand + spot * prices["fargate_spot_share"])


def _network(
    config: StackConfig, prices: Mapping[str, Any], traffic: Traffic, hours: float, compute: Compute
) -> Iterator[tuple[str, float]]:
    if config.vpc == "made":
        yield "VPC endpoints", ENDPOINTS * ZONES * HOURS * prices["endpoint_hour"]
        if config.nat:
            yield "NAT gateway", HOURS * prices["nat_hour"] + traffic.nat_gib * prices["nat_gib"]
    elif compute == "cpu" and config.assign_public_ip:
        yield "public addresses", hours * prices["public_address_hour"]
