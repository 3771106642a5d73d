"""A small network with the parts of those that `make models` changes."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.unit.tools.networks import CHANNELS, HIDDEN, NetworkImage


@pytest.fixture
def image() -> NetworkImage:
    return np.random.default_rng(1).normal(size=(1, CHANNELS, 3, 5)).astype(np.float32)


@pytest.fixture
def network() -> onnx.ModelProto:
    """A block of the recogniser: scaled by its mean, widened, GELU, narrowed, and added to what it was."""
    rng = np.random.default_rng(2)
    shapes = {"w1": (HIDDEN, CHANNELS, 1, 1), "b1": (1, HIDDEN, 1, 1), "w2": (CHANNELS, HIDDEN, 1, 1)}
    shapes["b2"] = (1, CHANNELS, 1, 1)
    weights = [
        numpy_helper.from_array(rng.normal(size=shapes[name]).astype(np.float32), name) for name in shapes
    ]
    numbers = {"root": 2**0.5, "one": 1.0, "half": 0.5}
    weights += [numpy_helper.from_array(np.array(numbers[name], np.float32), name) for name in numbers]
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=1),
        helper.make_node("Mul", ["x", "mean"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "w1"], ["made"], strides=[1, 1], group=1),
        helper.make_node("Add", ["made", "b1"], ["wide"]),
        helper.make_node("Div", ["wide", "root"], ["divided"]),
        helper.make_node("Erf", ["divided"], ["erf"]),
        helper.make_node("Add", ["erf", "one"], ["plus"]),
        helper.make_node("Mul", ["wide", "plus"], ["times"]),
        helper.make_node("Mul", ["times", "half"], ["hidden"]),
        helper.make_node("Conv", ["hidden", "w2"], ["mixing"], strides=[1, 1], group=1),
        helper.make_node("Add", ["mixing", "b2"], ["mixed"]),
        helper.make_node("Add", ["scaled", "mixed"], ["y"]),
    ]
    taken, produced = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy")
    graph = helper.make_graph(nodes, "block", [taken], [produced], weights)
    opsets = [helper.make_opsetid("", 11), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
