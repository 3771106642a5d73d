"""The worker's log group and dashboard."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi import metrics
from infra_pulumi.adoption import adopting
from infra_pulumi.component import Component
from infra_pulumi.config import Adoption
from infra_pulumi.names import CONTAINER, Names

#: Stages of a document's work, as the worker's reports name them in ``StageSeconds``.
STAGES = ("download", "decode", "ocr", "parse", "store", "publish")


@dataclass(frozen=True, slots=True)
class LogsArgs:
    """Arguments of ``Logs``."""

    names: Names
    existing: Adoption
    retention_days: int


class Logs(Component):
    """The log group; CloudWatch also extracts the worker's metrics from it."""

    def __init__(self, name: str, args: LogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Logs", name, opts)
        group = args.names.log_group
        self.group_name: pulumi.Output[str]
        if args.existing == "lookup":
            self.group_name = aws.cloudwatch.get_log_group_output(name=group, opts=self.invoke_opts()).name
        else:
            self.group_name = aws.cloudwatch.LogGroup(
                self.child_name("group"),
                name=group,
                retention_in_days=args.retention_days,
                opts=pulumi.ResourceOptions.merge(self.child("group"), adopting(args.existing, group)),
            ).name
        self.register_outputs({"groupName": self.group_name})


@dataclass(frozen=True, slots=True)
class DashboardArgs:
    """Arguments of ``Dashboard``."""

    names: Names
    region: str
    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]
    #: The workers are meant to use a GPU.
    gpu: bool


class Dashboard(Component):
    """Graphs of waiting work, finished work, failures, speed and workers."""

    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Dashboard", name, opts)
        body = pulumi.Output.all(args.cluster_name, args.service_name).apply(
            lambda names: dashboard_body(args, *names)
        )
        self.dashboard_name = aws.cloudwatch.Dashboard(
            self.child_name("dashboard"),
            dashboard_name=args.names.worker,
            dashboard_body=pulumi.Output.json_dumps(body),
            opts=self.child("dashboard"),
        ).dashboard_name
        self.url = (
            f"https://{args.region}.console.aws.amazon.com/cloudwatch/home"
            f"?region={args.region}#dashboards/dashboard/{args.names.worker}"
        )
        self.register_outputs({"url": self.url})


def dashboard_body(args: DashboardArgs, cluster: str, service: str) -> dict[str, object]:
    """The dashboard in CloudWatch's own JSON."""
    widgets = [_graph(title, lines, args.region) for title, lines in _graphs(args, cluster, service)]
    widgets.append(_stage_times(args))
    # Two abreast on a grid of 24 columns.
    return {
        "widgets": [
            {**widget, "x": 12 * (number % 2), "y": 6 * (number // 2), "width": 12, "height": 6}
            for number, widget in enumerate(widgets)
        ]
    }


def _graphs(args: DashboardArgs, cluster: str, service: str) -> list[tuple[str, list[list[object]]]]:
    def worker(name: str, statistic: str) -> list[object]:
        return [args.names.metrics_namespace, name, metrics.DIMENSION, CONTAINER, {"stat": statistic}]

    def ecs(name: str, statistic: str) -> list[object]:
        return ["AWS/ECS", name, "ClusterName", cluster, "ServiceName", service, {"stat": statistic}]

    gpu = [
        worker(metrics.GPU_UTILIZATION, "Average"),
        worker(metrics.GPU_IN_USE, "Minimum"),
        worker(metrics.FALLBACK_DOCUMENTS, "Sum"),
    ]
    return [
        (
            "Waiting and active documents",
            [
                worker(metrics.QUEUE_LENGTH, "Maximum"),
                worker(metrics.CLAIMABLE_LENGTH, "Maximum"),
                worker(metrics.ACTIVE_JOBS, "Sum"),
            ],
        ),
        ("Age of the oldest waiting document, seconds", [worker(metrics.OLDEST_WAITING_AGE, "Maximum")]),
        (
            "Documents a minute: finished, failed; reviews given up",
            [
                worker(metrics.RESULTS, "Sum"),
                worker(metrics.ERRORS, "Sum"),
                worker(metrics.REVIEWS_GIVEN_UP, "Maximum"),
            ],
        ),
        (
            "Time per document, ms",
            [worker(metrics.PROCESSING_TIME, "p50"), worker(metrics.PROCESSING_TIME, "p95")],
        ),
        ("Running tasks", [ecs("CPUUtilization", "SampleCount"), worker(metrics.HEARTBEAT, "SampleCount")]),
        ("CPU and memory, percent", [ecs("CPUUtilization", "Average"), ecs("MemoryUtilization", "Average")]),
        *([("GPU: utilization in percent, in use, documents read on the CPU", gpu)] if args.gpu else []),
    ]


def _graph(title: str, lines: Sequence[Sequence[object]], region: str) -> dict[str, object]:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "metrics": lines,
            "region": region,
            "period": 60,
            "view": "timeSeries",
        },
    }


def _stage_times(args: DashboardArgs) -> dict[str, object]:
    """A Logs Insights query: the worker's reports hold the seconds spent in each stage."""
    sums = ", ".join(f"1000 * sum(StageSeconds.{stage}) / sum(Results) as {stage}" for stage in STAGES)
    return {
        "type": "log",
        "properties": {
            "title": "Time per stage and document, ms",
            "query": f"SOURCE '{args.names.log_group}' | filter Results > 0 | stats {sums} by bin(5m)",
            "region": args.region,
            "view": "timeSeries",
        },
    }
