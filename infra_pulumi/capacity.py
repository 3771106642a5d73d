"""GPU instances that come when tasks wait for one and go when none needs them."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra_pulumi.iam import policy
from infra_pulumi.names import CAPACITY, INSTANCE_POLICY, INSTANCE_ROLE
from infra_pulumi.ordering import after

#: The newest ECS image with GPU driver; EC2 looks it up at each launch, so a new one changes nothing here.
NEWEST_IMAGE = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"

#: GiB of the root disk: the system (30), two versions of the worker's image (about 10 each), room.
DISK_GIB = 80

#: Seconds an instance gets to boot and join before its load counts in scaling decisions.
WARM_UP_SECONDS = 300


@dataclass(frozen=True, slots=True)
class GpuCapacityArgs:
    """What the capacity needs to know."""

    cluster_name: pulumi.Output[str]
    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]
    egress_ports: Sequence[int]
    instance_type: str
    ami_id: str | None
    max_instances: int
    #: Providers that the cluster has besides ours.
    other_providers: Sequence[str]
    tags: Mapping[str, str]


class GpuCapacity(pulumi.ComponentResource):
    """Launch template, Auto Scaling group and capacity provider, attached to the cluster."""

    def __init__(self, name: str, args: GpuCapacityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("filot:infra:GpuCapacity", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        template = self._template(args)
        group = self._group(args, template)
        provider = aws.ecs.CapacityProvider(
            "provider",
            name=CAPACITY,
            auto_scaling_group_provider={
                "auto_scaling_group_arn": group.arn,
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
            opts=self._child,
        )
        attached = aws.ecs.ClusterCapacityProviders(
            "attached",
            cluster_name=args.cluster_name,
            capacity_providers=pulumi.Output.all(provider.name, *args.other_providers).apply(sorted),
            opts=self._child,
        )
        #: Name of the capacity provider, known once the cluster may use it.
        self.provider_name = after(provider.name, attached.id)
        self.register_outputs({"providerName": self.provider_name})

    def _profile(self) -> aws.iam.InstanceProfile:
        role = aws.iam.Role(
            INSTANCE_ROLE,
            name=INSTANCE_ROLE,
            assume_role_policy=policy(
                {"Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
            ),
            opts=self._child,
        )
        aws.iam.RolePolicyAttachment(
            "join-cluster", role=role.name, policy_arn=INSTANCE_POLICY, opts=self._child
        )
        return aws.iam.InstanceProfile(INSTANCE_ROLE, name=INSTANCE_ROLE, role=role.name, opts=self._child)

    def _firewall(self, args: GpuCapacityArgs) -> aws.ec2.SecurityGroup:
        vpc_id = aws.ec2.get_subnet_output(
            id=args.subnet_ids[0], opts=pulumi.InvokeOutputOptions(parent=self)
        ).vpc_id
        return aws.ec2.SecurityGroup(
            "firewall",
            name=CAPACITY,
            description="GPU instances of the OCR worker: nothing comes in",
            vpc_id=vpc_id,
            ingress=[],
            egress=[
                {
                    "description": f"TCP {port}",
                    "protocol": "tcp",
                    "from_port": port,
                    "to_port": port,
                    "cidr_blocks": ["0.0.0.0/0"],
                }
                for port in sorted(args.egress_ports)
            ],
            opts=self._child,
        )

    def _template(self, args: GpuCapacityArgs) -> aws.ec2.LaunchTemplate:
        return aws.ec2.LaunchTemplate(
            "template",
            name=CAPACITY,
            update_default_version=True,
            image_id=args.ami_id or NEWEST_IMAGE,
            instance_type=args.instance_type,
            iam_instance_profile={"arn": self._profile().arn},
            vpc_security_group_ids=[self._firewall(args).id, *sorted(args.security_group_ids)],
            # One hop: containers cannot reach the instance's credentials, the agent on the host can.
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
                        "encrypted": "true",
                        "delete_on_termination": "true",
                    },
                }
            ],
            tag_specifications=[
                {"resource_type": kind, "tags": {**args.tags, "Name": CAPACITY}}
                for kind in ("instance", "volume")
            ],
            user_data=args.cluster_name.apply(_user_data),
            opts=self._child,
        )

    def _group(self, args: GpuCapacityArgs, template: aws.ec2.LaunchTemplate) -> aws.autoscaling.Group:
        # ECS adds the last tag itself when the provider joins a cluster; unless named here, it would be
        # taken off again by the next update.
        tags = {**args.tags, "Name": CAPACITY, "AmazonECSManaged": "true"}
        return aws.autoscaling.Group(
            "group",
            name=CAPACITY,
            min_size=0,
            max_size=args.max_instances,
            vpc_zone_identifiers=sorted(args.subnet_ids),
            launch_template={"id": template.id, "version": "$Latest"},
            # The capacity provider's termination protection works only on protected instances.
            protect_from_scale_in=True,
            # `make destroy` would otherwise wait for ever for the protected instances.
            force_delete=True,
            tags=[
                {"key": key, "value": value, "propagate_at_launch": True}
                for key, value in sorted(tags.items())
            ],
            opts=self._child,
        )


def _user_data(cluster: str) -> str:
    """First boot of an instance, base64: which cluster the ECS agent joins."""
    lines = [
        "#!/bin/bash",
        "cat >> /etc/ecs/ecs.config <<'END'",
        f"ECS_CLUSTER={cluster}",
        "ECS_ENABLE_GPU_SUPPORT=true",
        # An image is named by digest, so one pull is enough. Not `prefer-cached`: it would keep every image
        # that ever ran, until the disk is full.
        "ECS_IMAGE_PULL_BEHAVIOR=once",
        "END",
        "",
    ]
    return base64.b64encode("\n".join(lines).encode()).decode()
