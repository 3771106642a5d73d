"""Checks before an update, of mistakes that AWS accepts and that keep tasks from starting."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra_pulumi.release.programs import Refusal, output
from infra_pulumi.release.stack_file import StackFile


def refuse_capacity_change(stack: StackFile, outputs: Mapping[str, Any]) -> None:
    """Refuse to move a living service to another kind of capacity: ECS would not run it.

    Raises:
        Refusal: says how to do it.
    """
    wanted = "fargate" if stack.config.compute == "cpu" else stack.config.capacity
    living = outputs.get("capacity")
    if "service" in outputs and living not in (None, wanted):
        raise Refusal(
            f"The service runs on {living} capacity and the configuration says {wanted}: ECS cannot move a "
            'living service. See "Changing the capacity" in docs/infrastructure.md.'
        )


def stack_outputs(stack: StackFile) -> dict[str, Any]:
    """Outputs of the last update; empty before the first."""
    text = output("pulumi", "stack", "output", "--json", "--stack", stack.stack)
    return dict(json.loads(text or "{}"))


def refuse_unreachable_subnets(stack: StackFile) -> None:
    """Refuse subnets from which a worker would reach nothing.

    Raises:
        Refusal: one sentence for each subnet.
    """
    config = stack.config
    if not config.subnet_ids or (config.compute == "gpu" and config.capacity == "own"):
        return
    found = stack.aws.ask("ec2", "describe-subnets", "--subnet-ids", *config.subnet_ids)["Subnets"]
    vpc = found[0]["VpcId"]
    tables = stack.aws.ask("ec2", "describe-route-tables", "--filters", f"Name=vpc-id,Values={vpc}")
    sentences = list(_unreachable(stack, found, tables["RouteTables"]))
    if sentences:
        raise Refusal("\n".join(sentences))


def _unreachable(
    stack: StackFile, subnets: list[dict[str, Any]], tables: list[dict[str, Any]]
) -> Iterator[str]:
    for subnet in subnets:
        name = subnet["SubnetId"]
        target = _default_route(name, tables)
        if target is None:
            yield f"{name} has no route to the internet: workers there reach neither AWS nor R2."
        elif target.startswith("igw-") and not _gets_address(stack, subnet):
            yield (
                f"{name} is public but assigns no public addresses: workers there reach nothing. "
                f"{_remedy(stack, name)}, or use private subnets with a NAT gateway."
            )


def _remedy(stack: StackFile, subnet: str) -> str:
    if stack.config.compute == "cpu":
        return "Set filot:assign-public-ip to true"
    return f"Run aws ec2 modify-subnet-attribute --subnet-id {subnet} --map-public-ip-on-launch"


def _gets_address(stack: StackFile, subnet: Mapping[str, Any]) -> bool:
    if stack.config.compute == "cpu":
        return stack.config.assign_public_ip
    return bool(subnet["MapPublicIpOnLaunch"])


def _default_route(subnet: str, tables: list[dict[str, Any]]) -> str | None:
    """Target of the subnet's default route: its own table's, or the VPC's main one's."""

    def of(table: dict[str, Any], key: str, value: object) -> bool:
        return any(association.get(key) == value for association in table.get("Associations", []))

    own = [table for table in tables if of(table, "SubnetId", subnet)]
    main = [table for table in tables if of(table, "Main", True)]
    for table in (own or main)[:1]:
        for route in table["Routes"]:
            if route.get("DestinationCidrBlock") == "0.0.0.0/0":
                keys = ("GatewayId", "NatGatewayId", "TransitGatewayId", "NetworkInterfaceId", "InstanceId")
                return next((str(route[key]) for key in keys if route.get(key)), None)
    return None
