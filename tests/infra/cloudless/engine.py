"""An in-process Pulumi engine, with which programs register resources as they do with the CLI's."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

from cloudless.wire import UNKNOWN, decode, encode

_FEATURES = ("secrets", "resourceReferences", "aliasSpecs", "deletedWith")


@dataclass(frozen=True)
class Resource:
    """One registered resource."""

    urn: str
    type: str
    name: str
    #: URN, empty for the stack itself.
    parent: str
    #: False for components.
    custom: bool
    inputs: Mapping[str, Any]
    #: URNs.
    dependencies: frozenset[str]
    property_dependencies: Mapping[str, frozenset[str]]
    #: Names of inputs that hold a secret.
    secrets: frozenset[str]
    ignored: frozenset[str]
    protected: bool
    #: Id of the existing thing to take in, or empty.
    imported: str
    #: URN of the provider resource, empty for the default one.
    provider: str
    #: URNs that the resource may have had before.
    aliases: frozenset[str] = frozenset()
    timeouts: Mapping[str, str] = field(default_factory=dict)
    id: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)


class Provider(Protocol):
    """Creates, updates and looks up resources."""

    def create(self, resource: Resource, tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Create the resource (import it if ``imported``); returns its id and outputs."""

    def update(self, old: Resource, new: Resource, tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Apply changed inputs; returns its id and outputs."""

    def invoke(self, function: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a lookup."""


class Engine(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    """One run of a program.

    ``previous`` are the resources of the run before; a resource whose inputs did not change is left alone.
    A preview creates nothing: ids and outputs stay unknown.
    """

    def __init__(
        self,
        project: str,
        stack: str,
        provider: Provider,
        previous: Mapping[str, Resource] | None = None,
        *,
        preview: bool = False,
    ) -> None:
        self.project, self.stack, self.provider, self.preview = project, stack, provider, preview
        self.previous = previous or {}
        self.resources: dict[str, Resource] = {}
        self.created: list[str] = []
        self.updated: list[str] = []
        self.messages: list[str] = []
        self.errors: list[str] = []
        self.outputs: dict[str, Any] = {}
        self._root = ""
        self._lock = threading.Lock()

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802 - named by the protocol
        with self._lock:
            resource = self._read(request)
            problem = self._refusal(resource)
            if not problem:
                try:
                    resource = self._settle(resource)
                except Exception as error:  # whatever a provider dislikes is the program's error
                    problem = f"{type(error).__name__}: {error}"
            if problem:
                self.errors.append(f"{resource.name} ({resource.type}): {problem}")
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, self.errors[-1])
            self.resources[resource.urn] = resource
        values = encode({**resource.inputs, **resource.outputs})
        return resource_pb2.RegisterResourceResponse(urn=resource.urn, id=resource.id, object=values)

    def _read(self, request: Any) -> Resource:
        inputs, secrets = decode(request.object)
        return Resource(
            urn=self._urn(request.parent, request.type, request.name),
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=request.custom,
            inputs={key: value for key, value in inputs.items() if key != "__defaults"},
            dependencies=frozenset(request.dependencies),
            property_dependencies={
                key: frozenset(value.urns) for key, value in request.propertyDependencies.items()
            },
            secrets=secrets,
            ignored=frozenset(request.ignoreChanges),
            protected=request.protect,
            imported=request.importId,
            provider=request.provider.rpartition("::")[0],
            aliases=frozenset(self._alias(alias, request) for alias in request.aliases),
            timeouts={key: value for key, value in _timeouts(request) if value},
        )

    def _alias(self, alias: Any, request: Any) -> str:
        if alias.HasField("urn"):
            return str(alias.urn)
        spec = alias.spec
        parent = spec.parentUrn or ("" if spec.noParent else request.parent)
        return self._urn(parent, spec.type or request.type, spec.name or request.name)

    def _refusal(self, resource: Resource) -> str:
        if resource.urn in self.resources:
            return "registered twice"
        if missing := resource.dependencies - set(self.resources):
            return f"depends on what does not exist: {sorted(missing)}"
        if resource.custom and resource.type.startswith("aws:") and not resource.provider:
            return "uses the default provider, which has neither our region nor our tags"
        return ""

    def _settle(self, new: Resource) -> Resource:
        old = self._former(new)
        if not new.custom or new.type.startswith("pulumi:providers:"):
            return _with(new, "provider-id" if new.custom else "", {})
        if old is not None and (new.ignored >= {"*"} or _wanted(old) == _wanted(new)):
            return _with(new, old.id, old.outputs)
        if self.preview:
            return _with(new, "", {"id": UNKNOWN, "arn": UNKNOWN})
        if old is None:
            self.created.append(new.name)
            return _with(new, *self.provider.create(new, self._tags(new)))
        self.updated.append(new.name)
        return _with(new, *self.provider.update(old, new, self._tags(new)))

    def _former(self, new: Resource) -> Resource | None:
        """The resource of the run before, under its URN or an alias."""
        known = (self.previous.get(urn) for urn in (new.urn, *sorted(new.aliases)))
        return next((old for old in known if old is not None), None)

    def _tags(self, resource: Resource) -> Mapping[str, str]:
        """The provider's default tags. On the wire a provider's structured inputs are JSON text."""
        given = self.resources[resource.provider].inputs.get("defaultTags")
        tags: Mapping[str, str] = json.loads(given)["tags"] if given else {}
        return tags

    def _urn(self, parent: str, kind: str, name: str) -> str:
        outer = parent.split("::")[2] if parent else ""
        if outer and outer != "pulumi:pulumi:Stack":
            kind = f"{outer}${kind}"
        return f"urn:pulumi:{self.stack}::{self.project}::{kind}::{name}"

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        args, _ = decode(request.args)
        try:
            found = self.provider.invoke(request.tok, args)
        except Exception as error:
            self.errors.append(f"{request.tok}: {error}")
            context.abort(grpc.StatusCode.NOT_FOUND, self.errors[-1])
        response = resource_pb2.ResourceInvokeResponse()
        # The field's name is a word of Python.
        getattr(response, "return").CopyFrom(encode(found))
        return response

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        if self.resources[request.urn].type == "pulumi:pulumi:Stack":
            self.outputs, _ = decode(request.outputs)
        return empty_pb2.Empty()

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.severity >= engine_pb2.INFO:
            self.messages.append(request.message)
        return empty_pb2.Empty()

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return resource_pb2.DeploymentInfo(
            project=self.project,
            stack=self.stack,
            dryRun=self.preview,
            supportedFeatures=[
                getattr(resource_pb2, f"RESOURCE_MONITOR_FEATURE_{name}")
                for name in ("SECRETS", "RESOURCE_REFERENCES", "ALIAS_SPECS", "DELETED_WITH")
            ],
        )

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: N802
        return engine_pb2.RequirePulumiVersionResponse()

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()


def _timeouts(request: Any) -> list[tuple[str, str]]:
    given = request.customTimeouts
    return [("create", given.create), ("update", given.update), ("delete", given.delete)]


def _with(resource: Resource, identifier: str, outputs: Mapping[str, Any]) -> Resource:
    return replace(resource, id=identifier, outputs=outputs)


def _wanted(resource: Resource) -> dict[str, Any]:
    return {key: value for key, value in resource.inputs.items() if key not in resource.ignored}
