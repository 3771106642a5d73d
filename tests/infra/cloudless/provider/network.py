"""VPCs: subnets, routes, gateways and endpoints."""

from typing import Any

from cloudless.provider.inputs import Finder, Inputs, Made, Maker
from cloudless.server import Aws


def _tags(inputs: Inputs, kind: str) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": inputs.tag_list()}]}


def _vpc(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ec2").create_vpc(CidrBlock=inputs["cidrBlock"], **_tags(inputs, "vpc"))["Vpc"]["VpcId"]
    for name in ("enableDnsSupport", "enableDnsHostnames"):
        attribute = name[0].upper() + name[1:]
        aws("ec2").modify_vpc_attribute(VpcId=made, **{attribute: {"Value": inputs[name]}})
    return made, {"arn": f"arn:aws:ec2:::vpc/{made}"}


def _subnet(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ec2").create_subnet(
        VpcId=inputs["vpcId"],
        CidrBlock=inputs["cidrBlock"],
        AvailabilityZone=inputs["availabilityZone"],
        **_tags(inputs, "subnet"),
    )["Subnet"]["SubnetId"]
    aws("ec2").modify_subnet_attribute(
        SubnetId=made, MapPublicIpOnLaunch={"Value": inputs["mapPublicIpOnLaunch"]}
    )
    return made, {"arn": f"arn:aws:ec2:::subnet/{made}"}


def _route_table(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ec2").create_route_table(VpcId=inputs["vpcId"], **_tags(inputs, "route-table"))
    return made["RouteTable"]["RouteTableId"], {}


def _association(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ec2").associate_route_table(SubnetId=inputs["subnetId"], RouteTableId=inputs["routeTableId"])
    return made["AssociationId"], {}


def _route(aws: Aws, inputs: Inputs) -> Made:
    targets = inputs.capital("gatewayId", "natGatewayId")
    aws("ec2").create_route(
        RouteTableId=inputs["routeTableId"], DestinationCidrBlock=inputs["destinationCidrBlock"], **targets
    )
    return f"{inputs['routeTableId']}_{inputs['destinationCidrBlock']}", {}


def _internet_gateway(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ec2").create_internet_gateway(**_tags(inputs, "internet-gateway"))["InternetGateway"]
    aws("ec2").attach_internet_gateway(InternetGatewayId=made["InternetGatewayId"], VpcId=inputs["vpcId"])
    return made["InternetGatewayId"], {}


def _address(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ec2").allocate_address(Domain=inputs["domain"], **_tags(inputs, "elastic-ip"))
    return made["AllocationId"], {}


def _nat_gateway(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ec2").create_nat_gateway(
        SubnetId=inputs["subnetId"], AllocationId=inputs["allocationId"], **_tags(inputs, "natgateway")
    )
    return made["NatGateway"]["NatGatewayId"], {}


def _endpoint(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ec2").create_vpc_endpoint(
        **inputs.capital("vpcId", "serviceName", "vpcEndpointType", "routeTableIds", "subnetIds"),
        **inputs.capital("securityGroupIds", "privateDnsEnabled"),
        **_tags(inputs, "vpc-endpoint"),
    )
    return made["VpcEndpoint"]["VpcEndpointId"], {}


def _zones(aws: Aws, args: dict[str, Any]) -> dict[str, Any]:
    found = aws("ec2").describe_availability_zones(Filters=[{"Name": "state", "Values": [args["state"]]}])
    return {"names": sorted(zone["ZoneName"] for zone in found["AvailabilityZones"])}


MAKERS: dict[str, Maker] = {
    "aws:ec2/eip:Eip": _address,
    "aws:ec2/internetGateway:InternetGateway": _internet_gateway,
    "aws:ec2/natGateway:NatGateway": _nat_gateway,
    "aws:ec2/route:Route": _route,
    "aws:ec2/routeTable:RouteTable": _route_table,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _association,
    "aws:ec2/subnet:Subnet": _subnet,
    "aws:ec2/vpc:Vpc": _vpc,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
}
CHANGERS: dict[str, Maker] = {}
FINDERS: dict[str, Finder] = {}
LOOKUPS = {"aws:index/getAvailabilityZones:getAvailabilityZones": _zones}
