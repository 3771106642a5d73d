"""Laws of the service, its capacity and its scaling: mostly what would deadlock a deployment."""

from collections.abc import Iterator
from typing import Any

from infra_pulumi.rules.declared import Declared, Rule, Stack

_SERVICE = "ecs/service:Service"
_GROUP = "autoscaling/group:Group"
_TARGET = "appautoscaling/target:Target"


def launch_type_or_strategy(stack: Stack) -> Iterator[str]:
    """A service has either a launch type or capacity providers."""
    for service in stack.of(_SERVICE):
        strategy, launch_type = service.items("capacityProviderStrategies"), service.text("launchType")
        if strategy and launch_type:
            yield f"{service.name} has a launch type and capacity providers"
        if not strategy and launch_type != "EC2":
            yield f"{service.name} has neither capacity providers nor launch type EC2"


def strategy_is_attached(stack: Stack) -> Iterator[str]:
    """A service uses capacity providers that are attached to its cluster."""
    attached = {
        name
        for cluster in stack.of("ecs/clusterCapacityProviders:ClusterCapacityProviders")
        for name in cluster.items("capacityProviders")
    }
    for service in stack.of(_SERVICE):
        for strategy in service.items("capacityProviderStrategies"):
            if strategy["capacityProvider"] not in attached:
                yield f"{strategy['capacityProvider']} is not a capacity provider of the cluster"


def protection_is_mutual(stack: Stack) -> Iterator[str]:
    """Managed termination protection needs a group that protects its instances."""
    protected = {
        group.text("arn") for group in stack.of(_GROUP) if group.props.get("protectFromScaleIn") is True
    }
    for provider in stack.of("ecs/capacityProvider:CapacityProvider"):
        group = provider.props["autoScalingGroupProvider"]
        managed = group["managedTerminationProtection"] == "ENABLED"
        if managed and group["autoScalingGroupArn"] not in protected:
            yield f"the group of {provider.name} does not protect its instances from scale-in"
        if managed and group["managedScaling"]["status"] != "ENABLED":
            yield f"{provider.name} protects instances without managed scaling"
        if not managed or group["managedDraining"] != "ENABLED":
            yield f"{provider.name} ends instances under running tasks"


def deployments_find_a_gpu(stack: Stack) -> Iterator[str]:
    """A new task finds a GPU: an old one stops first, or there is one more instance than workers."""
    room = sum(int(group.props["maxSize"]) for group in stack.of(_GROUP))
    workers = max((int(target.props["maxCapacity"]) for target in stack.of(_TARGET)), default=0)
    for service in stack.of(_SERVICE):
        least: Any = service.props.get("deploymentMinimumHealthyPercent")
        most: Any = service.props.get("deploymentMaximumPercent")
        if service.props.get("networkConfiguration"):
            continue  # Fargate always has room
        stops_first = least == 0 and most == 100
        surges = least == 100 and most > 100 and room > workers
        if not (stops_first or surges):
            yield f"{service.name} runs {least} to {most} % of its tasks in a deployment, on {room} instances"
        if service.text("availabilityZoneRebalancing") != "DISABLED":
            yield f"{service.name} rebalances zones, which takes instances of its own"


def bad_deployments_roll_back(stack: Stack) -> Iterator[str]:
    """A deployment that does not become healthy, or raises an alarm, is rolled back."""
    alarms = {alarm.text("name") for alarm in stack.of("cloudwatch/metricAlarm:MetricAlarm")}
    for service in stack.of(_SERVICE):
        for key in ("deploymentCircuitBreaker", "alarms"):
            undoing = service.props.get(key) or {}
            if not (undoing.get("enable") and undoing.get("rollback")):
                yield f"{service.name}: {key} does not roll back"
        watched = set((service.props.get("alarms") or {}).get("alarmNames", []))
        if not watched:
            yield f"{service.name} deploys without alarms"
        yield from (
            f"{service.name} watches {name}, which does not exist" for name in sorted(watched - alarms)
        )


def autoscaler_keeps_its_count(stack: Stack) -> Iterator[str]:
    """An update never resets the count that autoscaling set."""
    for service in stack.of(_SERVICE):
        if "desiredCount" not in service.ignored:
            yield f"{service.name} does not ignore changes of desiredCount"


def limits_are_in_order(stack: Stack) -> Iterator[str]:
    """Minimum is at most maximum, one worker always stays, and each worker can have an instance."""
    room = [int(group.props["maxSize"]) for group in stack.of(_GROUP)]
    for target in stack.of(_TARGET):
        least, most = int(target.props["minCapacity"]), int(target.props["maxCapacity"])
        if least > most:
            yield f"at least {least} workers, at most {most}"
        if least < 1:
            yield "no worker would be left to report the queue that brings workers back"
        if room and sum(room) < most:
            yield f"up to {most} workers, but only {sum(room)} instances"
    for group in stack.of(_GROUP):
        if int(group.props["minSize"]) > int(group.props["maxSize"]):
            yield f"{group.name}: minimum size is above maximum"


def scaling_moves_the_service(stack: Stack) -> Iterator[str]:
    """Autoscaling acts on the desired count of the stack's own service."""
    services = {_resource_id(service) for service in stack.of(_SERVICE)}
    for scaled in (*stack.of(_TARGET), *stack.of("appautoscaling/policy:Policy")):
        if (
            scaled.text("serviceNamespace") != "ecs"
            or scaled.text("scalableDimension") != "ecs:service:DesiredCount"
        ):
            yield f"{scaled.name} scales {scaled.text('serviceNamespace')} {scaled.text('scalableDimension')}"
        if scaled.text("resourceId") not in services:
            yield f"{scaled.name} scales {scaled.text('resourceId')}, which is not the stack's service"


def _resource_id(service: Declared) -> str:
    """The cluster is given by ARN."""
    return f"service/{service.text('cluster').rpartition('/')[2]}/{service.text('name')}"


RULES: tuple[Rule, ...] = (
    autoscaler_keeps_its_count,
    bad_deployments_roll_back,
    deployments_find_a_gpu,
    launch_type_or_strategy,
    limits_are_in_order,
    protection_is_mutual,
    scaling_moves_the_service,
    strategy_is_attached,
)
