"""The IAM policy of whoever deploys the stack; docs/infrastructure-deployer.json is production's."""

import json
from typing import Any

from infra_pulumi.names import EXECUTION_POLICY, INSTANCE_POLICY, Names

#: Issuer of the identity tokens of GitHub's workflows.
GITHUB_ISSUER = "token.actions.githubusercontent.com"

#: EC2 actions for instances; IAM knows no names for them.
_EC2 = (
    *("AuthorizeSecurityGroupEgress", "CreateLaunchTemplate", "CreateLaunchTemplateVersion"),
    *("CreateSecurityGroup", "CreateTags", "DeleteLaunchTemplate", "DeleteLaunchTemplateVersions"),
    *("DeleteSecurityGroup", "DeleteTags", "Describe*", "ModifyLaunchTemplate"),
    *("RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RunInstances"),
)

#: EC2 actions for a VPC of the stack's own (``filot:vpc: made``).
_VPC = (
    *("AllocateAddress", "AssociateRouteTable", "AttachInternetGateway", "AuthorizeSecurityGroupIngress"),
    *("CreateInternetGateway", "CreateNatGateway", "CreateRoute", "CreateRouteTable", "CreateSubnet"),
    *("CreateVpc", "CreateVpcEndpoint", "DeleteInternetGateway", "DeleteNatGateway", "DeleteRoute"),
    *("DeleteRouteTable", "DeleteSubnet", "DeleteVpc", "DeleteVpcEndpoints", "DetachInternetGateway"),
    *("DisassociateAddress", "DisassociateRouteTable", "ModifySubnetAttribute", "ModifyVpcAttribute"),
    *("ModifyVpcEndpoint", "ReleaseAddress"),
)

#: What a preview reads.
PREVIEW_ACTIONS = (
    *("application-autoscaling:Describe*", "application-autoscaling:ListTagsForResource"),
    *("autoscaling:Describe*", "cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*"),
    *("ec2:Describe*", "ecr:Describe*", "ecr:Get*", "ecr:List*", "ecs:Describe*", "ecs:List*"),
    *("events:Describe*", "events:List*", "iam:Get*", "iam:List*", "logs:Describe*", "logs:List*"),
    *("secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy", "sns:Get*", "sns:List*"),
    *("ssm:GetParameter", "ssm:GetParameters"),
)


def deployer_policy(names: Names, *, cluster: str, execution_role: str, vpc: bool) -> dict[str, Any]:
    """Statements that allow to create, change and delete the stack."""
    worker, capacity = names.worker, names.capacity
    roles = [
        f"arn:aws:iam::*:role/{name}"
        for name in (execution_role, names.instance_role, names.patch_role, names.task_role)
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow(
                "NamedResources",
                [
                    *("autoscaling:*", "cloudwatch:*", "ecr:*", "ecs:*", "events:*", "logs:*"),
                    *("scheduler:*", "secretsmanager:*", "sns:*"),
                ],
                [
                    f"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/{capacity}",
                    f"arn:aws:cloudwatch:*:*:alarm:{worker}-*",
                    f"arn:aws:cloudwatch::*:dashboard/{worker}",
                    f"arn:aws:ecr:*:*:repository/{worker}",
                    f"arn:aws:ecs:*:*:capacity-provider/{capacity}",
                    f"arn:aws:ecs:*:*:cluster/{cluster}",
                    f"arn:aws:ecs:*:*:*/{cluster}/*",
                    f"arn:aws:ecs:*:*:task-definition/{worker}:*",
                    f"arn:aws:events:*:*:rule/{worker}-instances-short",
                    f"arn:aws:logs:*:*:log-group:{names.log_group}*",
                    f"arn:aws:scheduler:*:*:schedule/default/{worker}-patch",
                    f"arn:aws:secretsmanager:*:*:secret:{names.secret('*')}",
                    f"arn:aws:sns:*:*:{worker}-alarms*",
                ],
            ),
            _allow("WithoutNames", _unnamed_actions(vpc=vpc), "*"),
            _allow(
                "NewestAmi",
                ["ssm:GetParameter", "ssm:GetParameters"],
                "arn:aws:ssm:*::parameter/aws/service/ecs/optimized-ami/*",
            ),
            _allow(
                "Roles",
                _role_actions(),
                [f"arn:aws:iam::*:instance-profile/{names.instance_role}", *roles],
            ),
            {
                **_allow("OnlyThesePolicies", "iam:AttachRolePolicy", roles[:2]),
                "Condition": {"ArnEquals": {"iam:PolicyARN": [INSTANCE_POLICY, EXECUTION_POLICY]}},
            },
            {
                **_allow("PassToTheirServices", "iam:PassRole", roles),
                "Condition": {
                    "StringEquals": {
                        "iam:PassedToService": [
                            "ec2.amazonaws.com",
                            "ecs-tasks.amazonaws.com",
                            "scheduler.amazonaws.com",
                        ]
                    }
                },
            },
            {
                **_allow(
                    "OncePerAccount",
                    "iam:CreateServiceLinkedRole",
                    "arn:aws:iam::*:role/aws-service-role/*",
                ),
                "Condition": {
                    "StringEquals": {
                        "iam:AWSServiceName": [
                            "autoscaling.amazonaws.com",
                            "ecs.amazonaws.com",
                            "ecs.application-autoscaling.amazonaws.com",
                        ]
                    }
                },
            },
        ],
    }


def as_text(document: dict[str, Any]) -> str:
    """The policy as a file."""
    return json.dumps(document, indent=2) + "\n"


def _unnamed_actions(*, vpc: bool) -> list[str]:
    scaling = (
        *("DeleteScalingPolicy", "DeregisterScalableTarget", "Describe*", "ListTagsForResource"),
        *("PutScalingPolicy", "RegisterScalableTarget", "TagResource", "UntagResource"),
    )
    ecs = ("CreateCapacityProvider", "CreateCluster", "DeregisterTaskDefinition", "Describe*", "List*")
    return [
        *(f"application-autoscaling:{action}" for action in scaling),
        *("autoscaling:Describe*", "cloudwatch:DescribeAlarms"),
        *(f"ec2:{action}" for action in sorted((*_EC2, *(_VPC if vpc else ())))),
        "ecr:GetAuthorizationToken",
        *(f"ecs:{action}" for action in (*ecs, "RegisterTaskDefinition")),
        *("logs:DescribeLogGroups", "secretsmanager:ListSecrets", "sns:Unsubscribe"),
    ]


def _role_actions() -> list[str]:
    actions = (
        *("AddRoleToInstanceProfile", "CreateInstanceProfile", "CreateRole", "DeleteInstanceProfile"),
        *("DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "Get*", "List*", "PutRolePolicy"),
        *("RemoveRoleFromInstanceProfile", "TagInstanceProfile", "TagRole", "UntagInstanceProfile"),
        *("UntagRole", "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription"),
    )
    return [f"iam:{action}" for action in actions]


def _allow(sid: str, action: str | list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
