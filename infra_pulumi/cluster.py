"""The ECS cluster."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.adoption import adopting
from infra_pulumi.component import Component
from infra_pulumi.config import Adoption


@dataclass(frozen=True, slots=True)
class ClusterArgs:
    """Arguments of ``Cluster``."""

    cluster_name: str
    existing: Adoption


class Cluster(Component):
    """An ECS cluster, created or looked up."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Cluster", name, opts)
        self.arn: pulumi.Output[str]
        self.name: pulumi.Output[str]
        if args.existing == "lookup":
            found = aws.ecs.get_cluster_output(cluster_name=args.cluster_name, opts=self.invoke_opts())
            self.arn, self.name = found.arn, found.cluster_name
        else:
            cluster = aws.ecs.Cluster(
                self.child_name("cluster"),
                name=args.cluster_name,
                # The alarms use metrics that cost nothing; Container Insights is billed per metric.
                settings=[{"name": "containerInsights", "value": "disabled"}],
                opts=pulumi.ResourceOptions.merge(
                    self.child("cluster"), adopting(args.existing, args.cluster_name)
                ),
            )
            self.arn, self.name = cluster.arn, cluster.name
        self.register_outputs({"arn": self.arn})
