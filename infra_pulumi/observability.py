"""Where one looks: the worker's log group and a dashboard."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi import metrics
from infra_pulumi.adoption import adopting
from infra_pulumi.config import Adoption
from infra_pulumi.names import LOG_GROUP, WORKER

#: Days that logs are kept.
RETENTION_DAYS = 30


@dataclass(frozen=True, slots=True)
class LogsArgs:
    """What the log group needs to know."""

    existing: Adoption


class Logs(pulumi.ComponentResource):
    """The log group; the worker's metrics are read out of it, too."""

    def __init__(self, name: str, args: LogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("filot:infra:Logs", name, None, opts)
        self.group_name: pulumi.Output[str]
        if args.existing == "lookup":
            self.group_name = aws.cloudwatch.get_log_group_output(
                name=LOG_GROUP, opts=pulumi.InvokeOutputOptions(parent=self)
            ).name
        else:
            self.group_name = aws.cloudwatch.LogGroup(
                "group",
                name=LOG_GROUP,
                retention_in_days=RETENTION_DAYS,
                opts=pulumi.ResourceOptions.merge(
                    pulumi.ResourceOptions(parent=self), adopting(args.existing, LOG_GROUP)
                ),
            ).name
        self.register_outputs({"groupName": self.group_name})


@dataclass(frozen=True, slots=True)
class DashboardArgs:
    """What the dashboard needs to know."""

    region: str
    cluster_name: pulumi.Output[str]
    service_name: pulumi.Output[str]


class Dashboard(pulumi.ComponentResource):
    """One page of graphs: is there work, is it done, does it fail, how many do it."""

    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("filot:infra:Dashboard", name, None, opts)
        body = pulumi.Output.all(args.cluster_name, args.service_name).apply(
            lambda names: _body(args.region, *names)
        )
        aws.cloudwatch.Dashboard(
            "dashboard",
            dashboard_name=WORKER,
            dashboard_body=pulumi.Output.json_dumps(body),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def _body(region: str, cluster: str, service: str) -> dict[str, object]:
    def worker(name: str, statistic: str) -> list[object]:
        return [metrics.NAMESPACE, name, metrics.DIMENSION, WORKER, {"stat": statistic}]

    def ecs(name: str, statistic: str) -> list[object]:
        return ["AWS/ECS", name, "ClusterName", cluster, "ServiceName", service, {"stat": statistic}]

    graphs = [
        (
            "Waiting and active documents",
            [worker(metrics.QUEUE_LENGTH, "Maximum"), worker(metrics.ACTIVE_JOBS, "Sum")],
        ),
        ("Oldest waiting document, seconds", [worker(metrics.OLDEST_WAITING_AGE, "Maximum")]),
        (
            "Finished and failed documents, reviews given up",
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
    ]
    return {"widgets": [_widget(index, title, lines, region) for index, (title, lines) in enumerate(graphs)]}


def _widget(index: int, title: str, lines: Sequence[Sequence[object]], region: str) -> dict[str, object]:
    """Graphs stand two abreast on a grid of 24 columns."""
    return {
        "type": "metric",
        "x": 12 * (index % 2),
        "y": 6 * (index // 2),
        "width": 12,
        "height": 6,
        "properties": {
            "title": title,
            "metrics": lines,
            "region": region,
            "period": 60,
            "view": "timeSeries",
        },
    }
