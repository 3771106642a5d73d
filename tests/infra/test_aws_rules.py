"""The stack keeps the rules, and the policy pack stops one that does not."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

import grpc
import pytest
from cloudless import cloudformation
from cloudless.deployment import ROOT, Deployment
from cloudless.engine import Engine, Resource
from cloudless.server import Aws
from cloudless.wire import UNKNOWN, encode
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from infra_pulumi.rules import ALL
from infra_pulumi.rules.declared import Declared, Rule, Stack, demand_of, name_of


@pytest.mark.parametrize("rule", ALL, ids=name_of)
def test_stack_keeps_every_rule(production: Deployment, rule: Rule) -> None:
    stack = Stack(
        [
            Declared(resource.type, resource.name, {**resource.inputs, **resource.outputs}, resource.ignored)
            for resource in production.resources.values()
        ]
    )

    breaches = list(rule(stack))

    assert breaches == []


def test_every_rule_says_what_it_demands() -> None:
    assert len({name_of(rule) for rule in ALL}) == len(ALL)
    assert all(demand_of(rule).endswith(".") for rule in ALL)


def test_cfn_lint_finds_nothing(production: Deployment) -> None:
    rendered = cloudformation.template(production.resources.values())

    complaints = cloudformation.complaints(rendered)

    assert len(rendered["Resources"]) > 20
    assert complaints == []


def test_cfn_lint_knows_the_sizes_that_fargate_has(production: Deployment) -> None:
    # Neither the local server nor AWS' API description has them.
    fargate = {
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "placementConstraints": [],
        "cpu": "2048",
    }
    (task,) = production.of("TaskDefinition")

    for memory, accepted in (("4096", True), ("4500", False)):
        changed = replace(task, inputs={**task.inputs, **fargate, "memory": memory})
        sizes = [
            text for text in cloudformation.complaints(cloudformation.template([changed])) if memory in text
        ]

        assert (sizes == []) is accepted


@pytest.fixture(scope="module")
def pack() -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """The policy pack, started as the CLI starts it."""
    folder = str(ROOT / "infra_pulumi" / "policy")
    argv = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:0", folder]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
        process.terminate()


def as_analysed(known: Iterable[Resource], **changed: object) -> analyzer_pb2.AnalyzeStackRequest:
    """The stack as the CLI shows it to policy packs; ``changed`` properties are those of the service."""
    resources = []
    for resource in known:
        values = {**resource.inputs, **resource.outputs}
        if resource.type == "aws:ecs/service:Service":
            values.update(changed)
        options = analyzer_pb2.AnalyzerResourceOptions(ignoreChanges=sorted(resource.ignored))
        resources.append(
            analyzer_pb2.AnalyzerResource(
                type=resource.type,
                urn=resource.urn,
                name=resource.name,
                properties=encode(values),
                options=options,
            )
        )
    return analyzer_pb2.AnalyzeStackRequest(resources=resources)


def test_policy_pack_lists_every_rule_as_mandatory(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    info = pack.GetAnalyzerInfo(empty_pb2.Empty())

    assert {policy.name for policy in info.policies} == {name_of(rule) for rule in ALL}
    assert {policy.enforcementLevel for policy in info.policies} == {analyzer_pb2.MANDATORY}


def test_policy_pack_lets_the_stack_pass(
    pack: analyzer_pb2_grpc.AnalyzerStub, production: Deployment
) -> None:
    answer = pack.AnalyzeStack(as_analysed(production.resources.values()))

    assert [diagnostic.message for diagnostic in answer.diagnostics] == []


def test_policy_pack_stops_a_deployment_that_would_deadlock(
    pack: analyzer_pb2_grpc.AnalyzerStub, production: Deployment
) -> None:
    request = as_analysed(production.resources.values(), deploymentMinimumHealthyPercent=50, launchType="EC2")

    answer = pack.AnalyzeStack(request)

    stopped = {diagnostic.policyName for diagnostic in answer.diagnostics}
    assert stopped == {"deployments-find-a-gpu", "launch-type-or-strategy"}


def test_policy_pack_only_remarks_on_what_a_preview_cannot_know(
    pack: analyzer_pb2_grpc.AnalyzerStub, production: Deployment
) -> None:
    stack = as_analysed(production.resources.values(), deploymentMinimumHealthyPercent=UNKNOWN)

    answer = pack.AnalyzeStack(stack)

    levels = {diagnostic.enforcementLevel for diagnostic in answer.diagnostics}
    assert levels == {analyzer_pb2.ADVISORY}


def test_policy_pack_lets_the_very_first_preview_pass(
    pack: analyzer_pb2_grpc.AnalyzerStub, first_preview: tuple[Aws, Engine]
) -> None:
    _, preview = first_preview

    answer = pack.AnalyzeStack(as_analysed(preview.resources.values()))

    assert {diagnostic.enforcementLevel for diagnostic in answer.diagnostics} <= {analyzer_pb2.ADVISORY}
