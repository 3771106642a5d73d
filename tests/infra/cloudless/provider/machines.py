"""EC2, Auto Scaling groups and the autoscaling of services."""

import base64
from typing import Any

from cloudless.provider.inputs import Finder, Inputs, Made, Maker, capital
from cloudless.server import Aws


def _security_group(aws: Aws, inputs: Inputs) -> Made:
    made = aws("ec2").create_security_group(
        GroupName=inputs["name"],
        Description=inputs["description"],
        VpcId=inputs["vpcId"],
        TagSpecifications=[{"ResourceType": "security-group", "Tags": inputs.tag_list()}],
    )
    group = made["GroupId"]
    # A new group may connect to everywhere; the provider takes that away first.
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    aws("ec2").revoke_security_group_egress(GroupId=group, IpPermissions=everything)
    if egress := inputs.get("egress"):
        aws("ec2").authorize_security_group_egress(
            GroupId=group, IpPermissions=list(map(_permission, egress))
        )
    if ingress := inputs.get("ingress"):
        aws("ec2").authorize_security_group_ingress(
            GroupId=group, IpPermissions=list(map(_permission, ingress))
        )
    return group, {"arn": f"arn:aws:ec2:::security-group/{group}"}


def _permission(rule: dict[str, Any]) -> dict[str, Any]:
    return {
        "IpProtocol": rule["protocol"],
        "FromPort": rule["fromPort"],
        "ToPort": rule["toPort"],
        "IpRanges": [{"CidrIp": block, "Description": rule["description"]} for block in rule["cidrBlocks"]],
    }


def _launch_template(aws: Aws, inputs: Inputs) -> Made:
    inputs.beside_aws("updateDefaultVersion")
    base64.b64decode(inputs["userData"], validate=True)
    data = inputs.capital("imageId", "instanceType", "userData", "iamInstanceProfile", "metadataOptions")
    data["SecurityGroupIds"] = inputs["vpcSecurityGroupIds"]
    data["BlockDeviceMappings"] = [_disk(mapping) for mapping in inputs["blockDeviceMappings"]]
    data["TagSpecifications"] = [
        {
            "ResourceType": specification["resourceType"],
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(specification["tags"].items())],
        }
        for specification in inputs["tagSpecifications"]
    ]
    made = aws("ec2").create_launch_template(
        LaunchTemplateName=inputs["name"],
        LaunchTemplateData=data,
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": inputs.tag_list()}],
    )["LaunchTemplate"]
    return made["LaunchTemplateId"], {"latestVersion": 1}


def _disk(mapping: dict[str, Any]) -> dict[str, Any]:
    disk: dict[str, Any] = capital(mapping)
    for name in ("Encrypted", "DeleteOnTermination"):
        disk["Ebs"][name] = {"true": True, "false": False}[disk["Ebs"][name]]
    return disk


def _group(aws: Aws, inputs: Inputs) -> Made:
    inputs.beside_aws("forceDelete")
    name = inputs["name"]
    request: dict[str, Any] = {}
    if template := inputs.get("launchTemplate"):
        request["LaunchTemplate"] = {"LaunchTemplateId": template["id"], "Version": template["version"]}
    if mixed := inputs.get("mixedInstancesPolicy"):
        request["MixedInstancesPolicy"] = capital(mixed)
    # The provider's default tags don't reach a group: it has a list of its own.
    tags = [
        {**capital(tag), "ResourceId": name, "ResourceType": "auto-scaling-group"} for tag in inputs["tags"]
    ]
    aws("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=inputs["minSize"],
        MaxSize=inputs["maxSize"],
        VPCZoneIdentifier=",".join(inputs["vpcZoneIdentifiers"]),
        NewInstancesProtectedFromScaleIn=inputs.get("protectFromScaleIn", False),
        MaxInstanceLifetime=inputs["maxInstanceLifetime"],
        Tags=tags,
        **request,
    )
    found = aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return name, {"arn": found["AutoScalingGroups"][0]["AutoScalingGroupARN"]}


def _target(aws: Aws, inputs: Inputs) -> Made:
    aws("application-autoscaling").register_scalable_target(
        **inputs.capital("serviceNamespace", "resourceId", "scalableDimension", "minCapacity", "maxCapacity"),
        Tags=inputs.tags(),
    )
    return inputs["resourceId"], {}


def _policy(aws: Aws, inputs: Inputs) -> Made:
    steps = inputs["stepScalingPolicyConfiguration"]
    bounds = ("metricIntervalLowerBound", "metricIntervalUpperBound")
    adjustments = [
        {key: float(value) if key in bounds else value for key, value in step.items()}
        for step in steps["stepAdjustments"]
    ]
    made = aws("application-autoscaling").put_scaling_policy(
        PolicyName=inputs["name"],
        **inputs.capital("policyType", "serviceNamespace", "resourceId", "scalableDimension"),
        StepScalingPolicyConfiguration=capital({**steps, "stepAdjustments": adjustments}),
    )
    return inputs["name"], {"arn": made["PolicyARN"]}


def _subnet(aws: Aws, args: dict[str, Any]) -> dict[str, Any]:
    (found,) = aws("ec2").describe_subnets(SubnetIds=[args["id"]])["Subnets"]
    return {"id": found["SubnetId"], "vpcId": found["VpcId"]}


MAKERS: dict[str, Maker] = {
    "aws:appautoscaling/policy:Policy": _policy,
    "aws:appautoscaling/target:Target": _target,
    "aws:autoscaling/group:Group": _group,
    "aws:ec2/launchTemplate:LaunchTemplate": _launch_template,
    "aws:ec2/securityGroup:SecurityGroup": _security_group,
}
CHANGERS: dict[str, Maker] = {}
FINDERS: dict[str, Finder] = {}
LOOKUPS = {"aws:ec2/getSubnet:getSubnet": _subnet}
