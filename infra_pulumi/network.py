"""The workers' network: given subnets, or a VPC of the stack's own in two zones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice

import pulumi
import pulumi_aws as aws

from infra_pulumi.component import Component
from infra_pulumi.names import Names

#: AWS APIs that an instance and a starting task call, reached without leaving the VPC.
ENDPOINTS = ("ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs", "secretsmanager")

ZONES = 2


@dataclass(frozen=True, slots=True)
class NetworkArgs:
    """Arguments of ``Network``."""

    names: Names
    region: str
    tags: Mapping[str, str]
    cidr: str
    #: A NAT gateway, for what is outside AWS: object storage, reviews, hosted databases.
    nat: bool


class Network(Component):
    """A VPC with private subnets in two zones and endpoints of the AWS APIs that ECS needs."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Network", name, opts)
        self._args = args
        self._vpc = aws.ec2.Vpc(
            self.child_name("vpc"),
            cidr_block=args.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._named("vpc"),
            opts=self.child("vpc"),
        )
        blocks = [str(block) for block in islice(IPv4Network(args.cidr).subnets(prefixlen_diff=3), 2 * ZONES)]
        zones = aws.get_availability_zones_output(state="available", opts=self.invoke_opts()).names
        private = [self._subnet(f"private-{i}", blocks[i], zones[i]) for i in range(ZONES)]
        table = self._route_table("private", private)
        if args.nat:
            self._nat_gateway(self._subnet("public", blocks[ZONES], zones[0]), table)
        self._endpoints(private, table)
        self.vpc_id = self._vpc.id
        self.subnet_ids = [subnet.id for subnet in private]
        self.register_outputs({"vpcId": self.vpc_id, "subnetIds": self.subnet_ids})

    def _named(self, part: str) -> dict[str, str]:
        return {"Name": f"{self._args.names.network}-{part}"}

    def _subnet(self, part: str, block: str, zone: pulumi.Input[str]) -> aws.ec2.Subnet:
        return aws.ec2.Subnet(
            self.child_name(part),
            vpc_id=self._vpc.id,
            cidr_block=block,
            availability_zone=zone,
            map_public_ip_on_launch=False,
            tags=self._named(part),
            opts=self.child(part),
        )

    def _route_table(self, part: str, subnets: Sequence[aws.ec2.Subnet]) -> aws.ec2.RouteTable:
        table = aws.ec2.RouteTable(
            self.child_name(f"{part}-routes"),
            vpc_id=self._vpc.id,
            tags=self._named(part),
            opts=self.child(f"{part}-routes"),
        )
        for number, subnet in enumerate(subnets):
            aws.ec2.RouteTableAssociation(
                self.child_name(f"{part}-routes-{number}"),
                subnet_id=subnet.id,
                route_table_id=table.id,
                opts=self.child(f"{part}-routes-{number}"),
            )
        return table

    def _nat_gateway(self, public: aws.ec2.Subnet, private_routes: aws.ec2.RouteTable) -> None:
        gateway = aws.ec2.InternetGateway(
            self.child_name("internet"),
            vpc_id=self._vpc.id,
            tags=self._named("internet"),
            opts=self.child("internet"),
        )
        public_routes = self._route_table("public", [public])
        outside = "0.0.0.0/0"
        to_internet = aws.ec2.Route(
            self.child_name("public-default"),
            route_table_id=public_routes.id,
            destination_cidr_block=outside,
            gateway_id=gateway.id,
            opts=self.child("public-default"),
        )
        address = aws.ec2.Eip(
            self.child_name("nat-address"),
            domain="vpc",
            tags=self._named("nat"),
            opts=self.child("nat-address", depends_on=[gateway]),
        )
        nat = aws.ec2.NatGateway(
            self.child_name("nat"),
            subnet_id=public.id,
            allocation_id=address.id,
            tags=self._named("nat"),
            opts=self.child("nat", depends_on=[to_internet]),
        )
        aws.ec2.Route(
            self.child_name("private-default"),
            route_table_id=private_routes.id,
            destination_cidr_block=outside,
            nat_gateway_id=nat.id,
            opts=self.child("private-default"),
        )

    def _endpoints(self, subnets: Sequence[aws.ec2.Subnet], table: aws.ec2.RouteTable) -> None:
        # The layers of images in ECR are objects in S3; a gateway endpoint costs nothing.
        aws.ec2.VpcEndpoint(
            self.child_name("s3"),
            vpc_id=self._vpc.id,
            service_name=f"com.amazonaws.{self._args.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id],
            tags=self._named("s3"),
            opts=self.child("s3"),
        )
        firewall = aws.ec2.SecurityGroup(
            self.child_name("endpoints"),
            name=f"{self._args.names.network}-endpoints",
            description="AWS APIs, for addresses of this VPC",
            vpc_id=self._vpc.id,
            ingress=[
                {
                    "description": "HTTPS from this VPC",
                    "protocol": "tcp",
                    "from_port": 443,
                    "to_port": 443,
                    "cidr_blocks": [self._args.cidr],
                }
            ],
            egress=[],
            opts=self.child("endpoints"),
        )
        for api in ENDPOINTS:
            aws.ec2.VpcEndpoint(
                self.child_name(api),
                vpc_id=self._vpc.id,
                service_name=f"com.amazonaws.{self._args.region}.{api}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[subnet.id for subnet in subnets],
                security_group_ids=[firewall.id],
                tags=self._named(api),
                opts=self.child(api),
            )


@dataclass(frozen=True, slots=True)
class FirewallArgs:
    """Arguments of ``Firewall``."""

    group_name: str
    description: str
    vpc_id: pulumi.Input[str]
    egress_ports: Sequence[int]


class Firewall(Component):
    """A security group that admits no connection and allows some TCP ports to everywhere."""

    def __init__(self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Firewall", name, opts)
        self.group_id = aws.ec2.SecurityGroup(
            self.child_name("group"),
            name=args.group_name,
            description=args.description,
            vpc_id=args.vpc_id,
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
            opts=self.child("firewall", moved_from="GpuCapacity::capacity"),
        ).id
        self.register_outputs({"groupId": self.group_id})
