"""Mistakes in the stack's configuration are told in sentences, all at once, before anything is made."""

import json
from collections.abc import Sequence

import pulumi
import pytest
from cloudless.deployment import Deployment, stack_defaults
from cloudless.run import ProgramError
from cloudless.server import Aws

from infra_pulumi.config import StackConfig, read_config

OWN = {"filot:capacity": "own"}


def read(
    monkeypatch: pytest.MonkeyPatch, config: dict[str, str], encrypted: Sequence[str] = ()
) -> StackConfig:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps(encrypted))
    return read_config()


def test_defaults_are_those_of_the_existing_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    config = read(monkeypatch, {**stack_defaults(), **OWN})

    assert config.cluster == "filot-production"
    assert (config.min_workers, config.max_workers, config.backlog) == (1, 4, 100)
    assert config.instance_type == "g4dn.xlarge"
    assert stack_defaults()["aws:region"] == "ap-southeast-1"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"filot:max-wokers": "4"}, "filot:max-wokers is not an option of this program"),
        ({"filot:max-workers": "many"}, "filot:max-workers is 'many': input should be a valid integer"),
        ({"filot:min-workers": "0"}, "filot:min-workers is '0': input should be greater than or equal to 1"),
        ({"filot:min-workers": "5"}, "filot:min-workers (5) is above filot:max-workers (4)."),
        ({"filot:capacity": "managed"}, "filot:subnet-ids is needed for the GPU instances"),
        ({"filot:capacity": "rented"}, "filot:capacity is 'rented': input should be 'managed' or 'own'"),
        ({"filot:subnet-ids": "subnet-1"}, "filot:subnet-ids is 'subnet-1'; it is a list or a map"),
        ({"filot:subnet-ids": '["subnet-x"]'}, "filot:subnet-ids.0 is 'subnet-x': string should match"),
        ({"filot:image-digest": "latest"}, "filot:image-digest is 'latest': string should match"),
        ({"filot:instance-type": "t3.micro"}, "filot:instance-type is 't3.micro': string should match"),
        ({"filot:account-id": "12"}, "filot:account-id is '12': string should match"),
        ({"filot:existing": '{"cluster": "steal"}'}, "filot:existing.cluster is 'steal': input should be"),
        ({"filot:without-secrets": '["redis-url"]'}, "filot:without-secrets.0 is 'redis-url': input should"),
        (
            {"filot:other-capacity-providers": '["old"]'},
            "filot:other-capacity-providers is only for a cluster that exists already.",
        ),
        ({"filot:worker-environment": '{"REDIS_URL": "x"}'}, "cannot set REDIS_URL; it may set"),
        ({"filot:worker-environment": '{"OCR_GPU_HEALTH_PORT": "1"}'}, "cannot set OCR_GPU_HEALTH_PORT"),
        ({"filot:alarm-emails": '["ops"]'}, "filot:alarm-emails.0 is 'ops': string should match"),
        ({"filot:alarm-emails": '["a@b.co", "a@b.co"]'}, "filot:alarm-emails is"),
        ({"filot:egress-ports": "[443, 70000]"}, "filot:egress-ports.1 is 70000: input should be less"),
        ({"filot:redis-url": "redis://r"}, "filot:redis-url is not encrypted: pulumi config rm filot:"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], sentence: str
) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        read(monkeypatch, {**OWN, **change})

    assert sentence in str(caught.value)


def test_numbers_and_truth_values_become_the_text_that_the_worker_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What `pulumi config set --path` stores for 3 and true.
    given = '{"OCR_GPU_AUTOFALLBACK": true, "OCR_GPU_CONCURRENCY": 3, "LOG_LEVEL": "warn"}'

    config = read(monkeypatch, {**OWN, "filot:worker-environment": given})

    assert config.worker_environment == {
        "LOG_LEVEL": "warn",
        "OCR_GPU_AUTOFALLBACK": "true",
        "OCR_GPU_CONCURRENCY": "3",
    }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"filot:existing": '{"secrets": "lookup"}'}, "filot:existing only looks the secrets up"),
        ({"filot:without-secrets": '["buli2-api-key"]'}, "filot:without-secrets leaves it out"),
    ],
)
def test_a_secret_that_nobody_would_write_is_told(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], sentence: str
) -> None:
    config = {**OWN, "filot:buli2-api-key": "invented", **change}

    with pytest.raises(pulumi.RunError) as caught:
        read(monkeypatch, config, ["filot:buli2-api-key"])

    assert f"filot:buli2-api-key has a value, but {sentence}" in str(caught.value)


def test_all_mistakes_are_told_before_anything_is_made(empty_aws: Aws) -> None:
    wrong = {"filot:backlog": "0", "filot:instance-type": "p4d.24xlarge", "filot:subnet-ids": "none"}

    with pytest.raises(ProgramError) as caught:
        Deployment(empty_aws).up({**stack_defaults(), **wrong})

    told = str(caught.value)
    assert all(key in told for key in wrong)
    assert empty_aws("ecr").describe_repositories()["repositories"] == []


def test_other_providers_of_a_cluster_stay(empty_aws: Aws) -> None:
    empty_aws("ecs").create_cluster(clusterName="filot-production")
    vpc = empty_aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = empty_aws("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    config = {
        **stack_defaults(),
        "filot:existing": '{"cluster": "lookup"}',
        "filot:other-capacity-providers": '["web"]',
        "filot:subnet-ids": json.dumps([subnet]),
        "filot:worker-environment": '{"LOG_LEVEL": "debug"}',
    }

    Deployment(empty_aws).up(config)

    (cluster,) = empty_aws("ecs").describe_clusters(clusters=["filot-production"])["clusters"]
    assert cluster["capacityProviders"] == ["filot-ocr-gpu-capacity", "web"]
