"""The recogniser's layers before the last ones in PyTorch, built from the steps of the ONNX model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.nn import functional

from tools.models.operators import gelus
from tools.models.quantise import MAX_WEIGHT, MIN_CHANNELS
from tools.recogniser.features import OUTPUT

#: Called with the name and the value of each result of a body's steps.
Watch = Callable[[str, torch.Tensor], None]


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with its bias: the names of its input, its result, its weights and its biases."""

    taken: str
    made: str
    weight: str
    bias: str
    stride: Sequence[int]
    #: None for a kernel of 2 x 2 that also sees the next row and column.
    padding: Sequence[int] | None
    groups: int


@dataclass(frozen=True, slots=True)
class _Operation:
    """Any other step: the names of its inputs and its result."""

    kind: str
    taken: Sequence[str]
    made: str
    axes: Sequence[int] = ()


class Body(nn.Module):
    """Images of lines to features of every fourth pixel.

    Parameters:
        model: the recogniser without ``Identity`` nodes, for grey images
        plain: replace each GELU by max(0, x)
    """

    def __init__(self, model: onnx.ModelProto, *, plain: bool = False) -> None:
        super().__init__()
        self.plain = plain
        #: Compute large products as the quantised model does: in 8-bit steps.
        self.rounded = False
        weights = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
        self.steps = [*_steps(model.graph, weights)]
        self.weights = nn.ParameterDict(
            {
                _key(name): nn.Parameter(torch.tensor(np.array(array, np.float32)))
                for step in self.convolutions
                for name, array in (
                    (step.weight, weights[step.weight]),
                    (step.bias, weights[step.bias].reshape(-1)),
                )
            }
        )

    @property
    def convolutions(self) -> Sequence[Convolution]:
        """The convolutions in the order of computation."""
        return [step for step in self.steps if isinstance(step, Convolution)]

    @property
    def hidden_layers(self) -> Iterator[tuple[Convolution, Convolution]]:
        """Yield the convolutions before and behind each GELU."""
        before = {step.made: step for step in self.convolutions}
        behind = {step.taken: step for step in self.convolutions}
        for step in self.steps:
            if isinstance(step, _Operation) and step.kind == "Gelu":
                yield before[step.taken[0]], behind[step.made]

    @property
    def sums(self) -> Sequence[str]:
        """Names of the sums that end the blocks."""
        return [step.made for step in self.steps if isinstance(step, _Operation) and step.kind == "Add"]

    def of(self, name: str) -> torch.Tensor:
        """Return weights by their name in the ONNX model."""
        return self.weights[_key(name)]

    def replace(self, name: str, weight: torch.Tensor) -> None:
        """Replace weights by others, of any shape."""
        self.weights[_key(name)] = nn.Parameter(weight.detach().clone().contiguous())

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the weights by their names in the ONNX model."""
        names = [name for step in self.convolutions for name in (step.weight, step.bias)]
        return {name: self.of(name).detach().contiguous().numpy() for name in names}

    def forward(self, images: torch.Tensor, watch: Watch | None = None) -> dict[str, torch.Tensor]:
        """Return the results of all steps by name; ``OUTPUT`` is lines x channels x 1 x steps."""
        results = {"x": images}
        for step in self.steps:
            taken = [
                results[name] for name in ([step.taken] if isinstance(step, Convolution) else step.taken)
            ]
            made = (
                self._convolve(step, *taken) if isinstance(step, Convolution) else self._compute(step, taken)
            )
            results[step.made] = made
            if watch is not None:
                watch(step.made, made)
        return results

    def _convolve(self, step: Convolution, image: torch.Tensor) -> torch.Tensor:
        weight, bias = self.of(step.weight), self.of(step.bias)
        if step.padding is None:
            image = functional.pad(image, (0, 1, 0, 1))
        is_pointwise = weight.shape[2:] == (1, 1) and min(weight.shape[:2]) >= MIN_CHANNELS
        if self.rounded and is_pointwise and image.shape[2] * image.shape[3] > 1:
            image, weight = _rounded_image(image), _rounded_weight(weight)
        return functional.conv2d(
            image, weight, bias, stride=step.stride, padding=step.padding or 0, groups=step.groups
        )

    def _compute(self, step: _Operation, taken: Sequence[torch.Tensor]) -> torch.Tensor:
        if step.kind == "Gelu":
            return (functional.relu if self.plain else functional.gelu)(taken[0])
        if step.kind == "ReduceMean":
            return taken[0].mean(dim=tuple(step.axes), keepdim=True)
        return _OPERATORS[step.kind](*taken)


#: How the other operators compute.
_OPERATORS: Mapping[str, Callable[..., torch.Tensor]] = {
    "Relu": functional.relu,
    "HardSigmoid": lambda one: torch.clamp(one / 6 + 0.5, 0, 1),
    # Inputs are not negative, so that zeros change nothing.
    "MaxPool": lambda one: functional.max_pool2d(functional.pad(one, (0, 1, 0, 1)), 2, 1),
    "Concat": lambda *several: torch.cat(several, 1),
    "Mul": torch.mul,
    "Add": torch.add,
}


def _steps(
    graph: onnx.GraphProto, weights: dict[str, npt.NDArray[Any]]
) -> Iterator[Convolution | _Operation]:
    """Yield the steps up to ``OUTPUT``: each convolution with its bias, each GELU as one."""
    parts: dict[str, onnx.NodeProto | None] = {}
    for gelu in gelus(graph):
        parts |= {node.output[0]: None for node in gelu}
        parts[gelu[-1].output[0]] = gelu[0]
    users = {name: node for node in graph.node for name in node.input}
    biases = set()
    for node in graph.node:
        made = node.output[0]
        if made in parts:
            if (first := parts[made]) is not None:
                yield _Operation("Gelu", [first.input[0]], made)
        elif node.op_type == "Conv":
            biases.add(users[made].output[0])
            yield _convolution(node, users[made], weights)
        elif made not in biases:
            axes = helper.get_node_attr_value(node, "axes") if node.op_type == "ReduceMean" else ()
            yield _Operation(node.op_type, list(node.input), made, list(axes))
        if made == OUTPUT:
            return


def _convolution(
    node: onnx.NodeProto, bias: onnx.NodeProto, weights: dict[str, npt.NDArray[Any]]
) -> Convolution:
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    (bias_name,) = [name for name in bias.input if name in weights]
    padding = None if values.get("auto_pad") == b"SAME_UPPER" else list(values["pads"][:2])
    return Convolution(
        node.input[0],
        bias.output[0],
        node.input[1],
        bias_name,
        list(values["strides"]),
        padding,
        values["group"],
    )


def _rounded_weight(weight: torch.Tensor) -> torch.Tensor:
    """Round to the steps of ``quantise``; gradients pass as if nothing were rounded."""
    step = weight.detach().abs().amax((1, 2, 3), keepdim=True) / MAX_WEIGHT
    return weight + ((weight / step).round() * step - weight).detach()


def _rounded_image(image: torch.Tensor) -> torch.Tensor:
    """Round each line to 255 steps of its own range, as ``DynamicQuantizeMatMul`` does."""
    with torch.no_grad():
        exact = image.float()
        low = exact.amin((1, 2, 3), keepdim=True).clamp(max=0)
        high = exact.amax((1, 2, 3), keepdim=True).clamp(min=0)
        step = (high - low).clamp(min=1e-6) / 255
        change = (exact / step).round() * step - exact
    return image + change.to(image.dtype)


def _key(name: str) -> str:
    return name.replace(".", "/")
