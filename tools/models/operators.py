"""Replaces basic operators by ones that ONNX Runtime computes faster on a CPU, and adds operators."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

#: Domain and version of ONNX Runtime's own operators.
DOMAIN, VERSION = "com.microsoft", 1


def replace_means(graph: onnx.GraphProto) -> None:
    """Take the mean of an image as ``GlobalAveragePool``, which works in the layout of the convolutions."""
    for node in graph.node:
        if node.op_type == "ReduceMean" and list(helper.get_node_attr_value(node, "axes")) == [2, 3]:
            node.op_type = "GlobalAveragePool"
            del node.attribute[:]


def replace_gelus(graph: onnx.GraphProto, operator: str = "FastGelu", domain: str = DOMAIN) -> None:
    """Replace each GELU by one operator.

    ``FastGelu`` computes it by a hyperbolic tangent (Hendrycks and Gimpel, 2016) instead of the error
    function; the greatest difference is 0.0005, a fraction of one 8-bit step.
    """
    fast: dict[str, onnx.NodeProto | None] = {}
    for gelu in gelus(graph):
        fast |= {node.output[0]: None for node in gelu}
        result = gelu[-1].output[0]
        fast[result] = helper.make_node(operator, [gelu[0].input[0]], [result], domain=domain)
    nodes = [new for node in graph.node if (new := fast.get(node.output[0], node)) is not None]
    del graph.node[:]
    graph.node.extend(nodes)


def gelus(graph: onnx.GraphProto) -> Iterator[tuple[onnx.NodeProto, ...]]:
    """Yield the five nodes of each GELU, x / 2 * (1 + erf(x / sqrt(2))), in the order of computation."""
    producers = {node.output[0]: node for node in graph.node}
    users = {name: node for node in graph.node for name in node.input}
    for node in graph.node:
        if node.op_type == "Erf":
            plus_one = users[node.output[0]]
            times_x = users[plus_one.output[0]]
            yield producers[node.input[0]], node, plus_one, times_x, users[times_x.output[0]]


def sum_across_steps(graph: onnx.GraphProto, probabilities: str, classes: str, result: str) -> None:
    """Add the sum of one class's probabilities at each step, the one before and the one behind, at most 1.

    Parameters:
        graph: of which the last nodes make the two inputs
        probabilities: name of lines x steps x classes
        classes: name of the class of each step, lines x steps
        result: name of the sums, lines x steps
    """
    for name, value in (("nothing", 0), ("all", 1), ("three", 3)):
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), f"{result}_{name}"))
    three_steps: dict[str, Any] = {
        "kernel_shape": [3],
        "pads": [1, 1],
        "strides": [1],
        "count_include_pad": 1,
    }
    names = [
        f"{result}_{name}"
        for name in ("by_class", "means_by_class", "means", "class", "column", "mean", "sum")
    ]
    by_class, means_by_class, means, own_class, column, mean, total = names
    graph.node.extend(
        [
            helper.make_node("Transpose", [probabilities], [by_class], perm=[0, 2, 1]),
            helper.make_node("AveragePool", [by_class], [means_by_class], **three_steps),
            helper.make_node("Transpose", [means_by_class], [means], perm=[0, 2, 1]),
            helper.make_node("Unsqueeze", [classes], [own_class], axes=[2]),
            helper.make_node("GatherElements", [means, own_class], [column], axis=2),
            helper.make_node("Squeeze", [column], [mean], axes=[2]),
            helper.make_node("Mul", [mean, f"{result}_three"], [total]),
            helper.make_node("Clip", [total, f"{result}_nothing", f"{result}_all"], [result]),
        ]
    )
