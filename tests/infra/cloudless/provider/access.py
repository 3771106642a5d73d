"""IAM and Secrets Manager."""

import json
from typing import Any

from cloudless.provider.inputs import Finder, Inputs, Made, Maker
from cloudless.server import Aws


def _role(aws: Aws, inputs: Inputs) -> Made:
    json.loads(inputs["assumeRolePolicy"])
    made = aws("iam").create_role(
        RoleName=inputs["name"],
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        Tags=inputs.tag_list(),
    )["Role"]
    return made["RoleName"], {"arn": made["Arn"]}


def find_role(aws: Aws, name: str) -> Made:
    found = aws("iam").get_role(RoleName=name)["Role"]
    return name, {"arn": found["Arn"], "name": name}


def _attachment(aws: Aws, inputs: Inputs) -> Made:
    aws("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return f"{inputs['role']}/{inputs['policyArn']}", {}


def _inline_policy(aws: Aws, inputs: Inputs) -> Made:
    aws("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
    )
    return f"{inputs['role']}:{inputs['name']}", {}


def _instance_profile(aws: Aws, inputs: Inputs) -> Made:
    made = aws("iam").create_instance_profile(InstanceProfileName=inputs["name"], Tags=inputs.tag_list())
    aws("iam").add_role_to_instance_profile(InstanceProfileName=inputs["name"], RoleName=inputs["role"])
    return inputs["name"], {"arn": made["InstanceProfile"]["Arn"]}


def _secret(aws: Aws, inputs: Inputs) -> Made:
    inputs.beside_aws("recoveryWindowInDays")
    made = aws("secretsmanager").create_secret(
        **inputs.capital("name", "description"), Tags=inputs.tag_list()
    )
    return made["ARN"], {"arn": made["ARN"]}


def find_secret(aws: Aws, name_or_arn: str) -> Made:
    found = aws("secretsmanager").describe_secret(SecretId=name_or_arn)
    return found["ARN"], {"arn": found["ARN"], "name": found["Name"]}


def _secret_version(aws: Aws, inputs: Inputs) -> Made:
    inputs.beside_aws("secretStringWoVersion")
    made = aws("secretsmanager").put_secret_value(
        SecretId=inputs["secretId"], SecretString=inputs["secretStringWo"]
    )
    return f"{inputs['secretId']}|{made['VersionId']}", {"versionId": made["VersionId"]}


def _identity_provider(aws: Aws, inputs: Inputs) -> Made:
    arn = aws("iam").create_open_id_connect_provider(
        Url=inputs["url"], ClientIDList=inputs["clientIdLists"], Tags=inputs.tag_list()
    )["OpenIDConnectProviderArn"]
    return arn, {"arn": arn}


def _caller(aws: Aws, args: dict[str, Any]) -> dict[str, Any]:
    return {"accountId": aws("sts").get_caller_identity()["Account"]}


MAKERS: dict[str, Maker] = {
    "aws:iam/instanceProfile:InstanceProfile": _instance_profile,
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _identity_provider,
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _inline_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _attachment,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
}
CHANGERS: dict[str, Maker] = {"aws:secretsmanager/secretVersion:SecretVersion": _secret_version}
FINDERS: dict[str, Finder] = {"aws:iam/role:Role": find_role, "aws:secretsmanager/secret:Secret": find_secret}
LOOKUPS = {
    "aws:iam/getRole:getRole": lambda aws, args: find_role(aws, args["name"])[1],
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:secretsmanager/getSecret:getSecret": lambda aws, args: find_secret(aws, args["name"])[1],
}
