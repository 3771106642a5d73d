"""The ECS cluster: made here, or one that exists."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.adoption import adopting
from infra_pulumi.config import Adoption


@dataclass(frozen=True, slots=True)
class ClusterArgs:
    """What the cluster needs to know."""

    name: str
    existing: Adoption


class Cluster(pulumi.ComponentResource):
    """An ECS cluster; ``name`` waits for it to exist."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("filot:infra:Cluster", name, None, opts)
        self.arn: pulumi.Output[str]
        self.name: pulumi.Output[str]
        if args.existing == "lookup":
            found = aws.ecs.get_cluster_output(
                cluster_name=args.name, opts=pulumi.InvokeOutputOptions(parent=self)
            )
            self.arn, self.name = found.arn, found.cluster_name
        else:
            cluster = aws.ecs.Cluster(
                "cluster",
                name=args.name,
                # The alarms live on metrics that cost nothing; Container Insights is paid by the metric.
                settings=[{"name": "containerInsights", "value": "disabled"}],
                opts=pulumi.ResourceOptions.merge(
                    pulumi.ResourceOptions(parent=self), adopting(args.existing, args.name)
                ),
            )
            self.arn, self.name = cluster.arn, cluster.name
        self.register_outputs({"arn": self.arn})
