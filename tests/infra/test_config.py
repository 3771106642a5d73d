"""Mistakes in the stack's configuration are reported as sentences, all at once, before anything is made."""

import json
from collections.abc import Sequence

import pulumi
import pytest
from cloudless.deployment import Deployment, stack_defaults
from cloudless.run import ProgramError
from cloudless.server import Aws

from infra_pulumi.config import StackConfig
from infra_pulumi.stack_config import provider_settings, read_config

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
    assert config.instance_types == ("g4dn.xlarge",)
    assert config.worker_environment == {"OCR_GPU_CLAIM_CPU_QUEUE": "true"}
    assert stack_defaults()["aws:region"] == "ap-southeast-1"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"filot:max-wokers": "4"}, "filot:max-wokers is not an option; did you mean filot:max-workers."),
        (
            {"filot-ocr-gpu-worker:max-workers": "8"},
            "filot-ocr-gpu-worker:max-workers is read by nobody; did you mean filot:max-workers: "
            "pulumi config rm filot-ocr-gpu-worker:max-workers.",
        ),
        ({"filo:backlog": "8"}, "filo:backlog is read by nobody; did you mean filot:backlog"),
        ({"filot:instance-type": "g5.xlarge"}, "did you mean filot:instance-types."),
        (
            {"aws:accessKey": "x"},
            "aws:accessKey is not passed on to AWS; supported: aws:assumeRoles, aws:pro",
        ),
        ({"filot:instance-types": '["g4dn.12xlarge"]'}, "g4dn.12xlarge is not supported; use types with one"),
        ({"filot:task-memory": "16384"}, "does not fit g4dn.xlarge, which have 4096 and 14336."),
        (
            {
                "filot:compute": "cpu",
                "filot:capacity": "managed",
                "filot:vpc": "made",
                "filot:task-cpu": "512",
            },
            "Fargate has no tasks with filot:task-cpu 512 and filot:task-memory 4096",
        ),
        ({"filot:compute": "cpu"}, "filot:capacity own is for GPU instances"),
        (
            {"filot:vpc": "made"},
            "filot:vpc made goes without filot:subnet-ids and with filot:capacity managed.",
        ),
        ({"filot:surge": "true"}, "filot:surge needs instances that the stack can add"),
        ({"filot:scale-in-backlog": "25"}, "workers would be added and removed in turn."),
        ({"filot:scale-out-steps": '[{"above": 5, "add": 1}]'}, "`above` must begin at 0 and grow"),
        ({"filot:log-days": "31"}, "filot:log-days is '31': cloudWatch keeps logs for one of 1, 3, 5"),
        (
            {"filot:existing": '{"execution-role": "lookup"}'},
            "needs the role's name in filot:execution-role.",
        ),
        ({"filot:vpc-cidr": "10.0.0.0/28"}, "the VPC needs a range between /16 and /24."),
        ({"filot:worker-environment": '{"METRICS_NAMESPACE": "x"}'}, "cannot set METRICS_NAMESPACE"),
        ({"filot:max-workers": "many"}, "filot:max-workers is 'many': input should be a valid integer"),
        ({"filot:min-workers": "0"}, "filot:min-workers is '0': input should be greater than or equal to 1"),
        ({"filot:min-workers": "5"}, "filot:min-workers (5) is above filot:max-workers (4)."),
        ({"filot:capacity": "managed"}, "filot:subnet-ids is needed for the workers"),
        ({"filot:capacity": "rented"}, "filot:capacity is 'rented': input should be 'managed' or 'own'"),
        ({"filot:subnet-ids": "subnet-1"}, "filot:subnet-ids is 'subnet-1'; it is a list or a map"),
        ({"filot:subnet-ids": '["subnet-x"]'}, "filot:subnet-ids.0 is 'subnet-x': string should match"),
        ({"filot:image-digest": "latest"}, "filot:image-digest is 'latest': string should match"),
        ({"filot:instance-types": '["t3.micro"]'}, "t3.micro is not supported; use types with one GPU"),
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
def test_a_mistake_is_reported_as_a_sentence(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], sentence: str
) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        read(monkeypatch, {**OWN, **change})

    assert sentence in str(caught.value)


def test_provider_gets_the_credentials_that_the_configuration_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roles = '[{"roleArn": "arn:aws:iam::123456789012:role/deploy", "sessionName": "make"}]'
    config = {"aws:region": "ap-southeast-1", "aws:profile": "filot", "aws:assumeRoles": roles}
    pulumi.runtime.set_all_config(config, [])

    assert provider_settings() == {
        "region": "ap-southeast-1",
        "profile": "filot",
        "assume_roles": [{"role_arn": "arn:aws:iam::123456789012:role/deploy", "session_name": "make"}],
    }


@pytest.mark.parametrize(
    ("change", "cpu", "memory"),
    [
        ({}, 4096, 14_336),
        ({"filot:instance-types": '["g5.2xlarge", "g4dn.xlarge"]'}, 4096, 14_336),
        ({"filot:instance-types": '["g6.2xlarge"]'}, 8192, 28_672),
        ({"filot:task-cpu": "2048", "filot:task-memory": "8192"}, 2048, 8192),
    ],
)
def test_a_task_takes_what_its_instance_has_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], cpu: int, memory: int
) -> None:
    config = read(monkeypatch, {**OWN, **change})

    assert (config.task_size.cpu, config.task_size.memory) == (cpu, memory)


@pytest.mark.parametrize(
    ("change", "surges", "instances"),
    [
        ({}, True, 5),
        ({"filot:min-workers": "4"}, False, 4),  # no room above the workers that always run
        ({"filot:min-workers": "4", "filot:surge": "true"}, True, 5),
        ({"filot:surge": "false"}, False, 4),
        ({"filot:compute": "cpu"}, True, 5),
    ],
)
def test_a_deployment_surges_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], surges: bool, instances: int
) -> None:
    config = read(monkeypatch, {"filot:subnet-ids": '["subnet-12345678"]', **change})

    assert (config.surges, config.max_instances) == (surges, instances)


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
def test_a_secret_that_nobody_would_write_is_reported(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], sentence: str
) -> None:
    config = {**OWN, "filot:buli2-api-key": "invented", **change}

    with pytest.raises(pulumi.RunError) as caught:
        read(monkeypatch, config, ["filot:buli2-api-key"])

    assert f"filot:buli2-api-key has a value, but {sentence}" in str(caught.value)


def test_all_mistakes_are_reported_before_anything_is_made(empty_aws: Aws) -> None:
    wrong = {"filot:backlog": "0", "filot:instance-types": '["p4d.24xlarge"]', "filot:subnet-ids": "none"}

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
