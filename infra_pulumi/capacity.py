"""GPU instances that start when tasks wait for one and stop when no task needs them."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.component import Component
from infra_pulumi.iam import policy
from infra_pulumi.names import DEBUG_POLICY, INSTANCE_POLICY, Names

#: SSM parameter of the newest ECS AMI with GPU driver; EC2 resolves it at each launch, so a newer AMI changes
#: nothing here.
NEWEST_AMI = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"

#: GiB of the root volume: the AMI needs 30, two versions of the image about 20.
DISK_GIB = 80

#: MiB/s and IOPS of the gp3 volume, whose throughput (125 MiB/s unless set) bounds pulling and unpacking the
#: image. A g4dn.xlarge reaches 3.5 Gbit/s.
DISK_THROUGHPUT = 400
DISK_IOPS = 3000

#: Seconds that an instance gets to boot and join before it counts in scaling decisions.
WARM_UP_SECONDS = 300

_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class GpuCapacityArgs:
    """Arguments of ``GpuCapacity``."""

    names: Names
    cluster_name: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    #: All security groups of the instances.
    security_group_ids: Sequence[pulumi.Input[str]]
    #: In order of preference.
    instance_types: Sequence[str]
    #: None: the newest ECS GPU AMI.
    ami_id: str | None
    max_instances: int
    #: Age at which an instance is replaced.
    max_instance_days: int
    on_demand_base: int
    spot_percent: int
    #: Capacity providers that the cluster has besides this one.
    other_providers: Sequence[str]
    #: Allow Session Manager.
    debug: bool
    tags: Mapping[str, str]


class GpuCapacity(Component):
    """Launch template, Auto Scaling group and capacity provider, attached to the cluster."""

    def __init__(self, name: str, args: GpuCapacityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("GpuCapacity", name, opts)
        self._args = args
        provider = aws.ecs.CapacityProvider(
            self.child_name("provider"),
            name=args.names.capacity,
            auto_scaling_group_provider={
                "auto_scaling_group_arn": self._group(self._template()).arn,
                "managed_termination_protection": "ENABLED",
                "managed_draining": "ENABLED",
                "managed_scaling": {
                    "status": "ENABLED",
                    "target_capacity": 100,
                    "minimum_scaling_step_size": 1,
                    "maximum_scaling_step_size": args.max_instances,
                    "instance_warmup_period": WARM_UP_SECONDS,
                },
            },
            opts=self.child("provider"),
        )
        aws.ecs.ClusterCapacityProviders(
            self.child_name("attached"),
            cluster_name=args.cluster_name,
            capacity_providers=pulumi.Output.all(provider.name, *args.other_providers).apply(sorted),
            opts=self.child("attached"),
        )
        self.provider_name = provider.name
        self.register_outputs({"providerName": self.provider_name})

    def _profile(self) -> aws.iam.InstanceProfile:
        name = self._args.names.instance_role
        role = aws.iam.Role(
            self.child_name("instance-role"),
            name=name,
            assume_role_policy=policy(
                {"Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
            ),
            opts=self.child(name),
        )
        policies = {"join-cluster": INSTANCE_POLICY}
        if self._args.debug:
            policies["session-manager"] = DEBUG_POLICY
        for purpose, arn in policies.items():
            aws.iam.RolePolicyAttachment(
                self.child_name(purpose), role=role.name, policy_arn=arn, opts=self.child(purpose)
            )
        return aws.iam.InstanceProfile(
            self.child_name("instance-profile"), name=name, role=role.name, opts=self.child(name)
        )

    def _template(self) -> aws.ec2.LaunchTemplate:
        args = self._args
        return aws.ec2.LaunchTemplate(
            self.child_name("template"),
            name=args.names.capacity,
            update_default_version=True,
            image_id=args.ami_id or NEWEST_AMI,
            instance_type=args.instance_types[0],
            iam_instance_profile={"arn": self._profile().arn},
            vpc_security_group_ids=list(args.security_group_ids),
            # One hop: the agent on the host can use the instance's credentials, containers cannot.
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            block_device_mappings=[
                {
                    "device_name": "/dev/xvda",
                    "ebs": {
                        "volume_size": DISK_GIB,
                        "volume_type": "gp3",
                        "throughput": DISK_THROUGHPUT,
                        "iops": DISK_IOPS,
                        "encrypted": "true",
                        "delete_on_termination": "true",
                    },
                }
            ],
            tag_specifications=[
                {"resource_type": kind, "tags": {**args.tags, "Name": args.names.capacity}}
                for kind in ("instance", "volume")
            ],
            user_data=pulumi.Output.from_input(args.cluster_name).apply(_user_data),
            opts=self.child("template"),
        )

    def _group(self, template: aws.ec2.LaunchTemplate) -> aws.autoscaling.Group:
        args = self._args
        # ECS adds the last tag when the provider joins a cluster; the next update would remove it again.
        tags = {**args.tags, "Name": args.names.capacity, "AmazonECSManaged": "true"}
        return aws.autoscaling.Group(
            self.child_name("group"),
            name=args.names.capacity,
            min_size=0,
            max_size=args.max_instances,
            max_instance_lifetime=args.max_instance_days * _SECONDS_PER_DAY,
            vpc_zone_identifiers=list(args.subnet_ids),
            launch_template=None if self._mixed else {"id": template.id, "version": "$Latest"},
            mixed_instances_policy=self._mixed_instances(template) if self._mixed else None,
            # Required by the capacity provider's managed termination protection.
            protect_from_scale_in=True,
            # Otherwise `make destroy` waits forever for protected instances.
            force_delete=True,
            tags=[
                {"key": key, "value": value, "propagate_at_launch": True}
                for key, value in sorted(tags.items())
            ],
            opts=self.child("group"),
        )

    @property
    def _mixed(self) -> bool:
        return len(self._args.instance_types) > 1 or self._args.spot_percent > 0

    def _mixed_instances(
        self, template: aws.ec2.LaunchTemplate
    ) -> aws.autoscaling.GroupMixedInstancesPolicyArgsDict:
        return {
            "launch_template": {
                "launch_template_specification": {"launch_template_id": template.id, "version": "$Latest"},
                "overrides": [{"instance_type": name} for name in self._args.instance_types],
            },
            "instances_distribution": {
                "on_demand_allocation_strategy": "prioritized",
                "on_demand_base_capacity": self._args.on_demand_base,
                "on_demand_percentage_above_base_capacity": 100 - self._args.spot_percent,
                "spot_allocation_strategy": "price-capacity-optimized",
            },
        }


def _user_data(cluster: str) -> str:
    """First-boot script, base64: configures the ECS agent."""
    lines = [
        "#!/bin/bash",
        "cat >> /etc/ecs/ecs.config <<'END'",
        f"ECS_CLUSTER={cluster}",
        "ECS_ENABLE_GPU_SUPPORT=true",
        # Two minutes before a Spot instance ends, its task gets SIGTERM.
        "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true",
        # Images are named by digest, so one pull is enough. `prefer-cached` would never delete an image.
        "ECS_IMAGE_PULL_BEHAVIOR=once",
        "END",
        "",
    ]
    return base64.b64encode("\n".join(lines).encode()).decode()


@dataclass(frozen=True, slots=True)
class FargateCapacityArgs:
    """Arguments of ``FargateCapacity``."""

    cluster_name: pulumi.Input[str]
    #: Capacity providers that the cluster has besides Fargate's.
    other_providers: Sequence[str]


class FargateCapacity(Component):
    """Fargate's two capacity providers, attached to the cluster."""

    def __init__(
        self, name: str, args: FargateCapacityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("FargateCapacity", name, opts)
        aws.ecs.ClusterCapacityProviders(
            self.child_name("attached"),
            cluster_name=args.cluster_name,
            capacity_providers=sorted({"FARGATE", "FARGATE_SPOT", *args.other_providers}),
            opts=self.child("attached"),
        )
        self.register_outputs({})
