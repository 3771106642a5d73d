"""Dynamic int8 quantisation of a model's large matrix products, for CPUs.

A pointwise (1 x 1) convolution is a matrix product over channels. ONNX Runtime's ``DynamicQuantizeMatMul``
computes such products with 8-bit integers: it scales each input by its own range, so no calibration is
needed, accumulates in 32 bits and returns floats. Weights have 7 bits: with 8, processors without VNNI
instructions would saturate their 16-bit sums and read different text than those with them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from tools.models.channels_last import TO_LAST, TO_SECOND, move_channels_last
from tools.models.operators import DOMAIN, VERSION, replace_gelus, replace_means

#: Weights become integers from minus this to this.
MAX_WEIGHT = 64

#: Input and output channels: in smaller convolutions the conversion costs more than it saves.
MIN_CHANNELS = 96

#: Output features of a product of matrices: the recogniser's last one decides between characters.
MIN_FEATURES = 100

#: Weights of a model by name.
_Weights: TypeAlias = Mapping[str, npt.NDArray[Any]]


def quantised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which each large product with its bias is computed with 8-bit integers."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    drop_identities(graph)
    replace_means(graph)
    replace_gelus(graph)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    users = {name: node for node in graph.node for name in node.input}
    replaced: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        is_image = _is_large_pointwise(node, weights)
        if is_image or _is_large_product(node, weights):
            bias = users[node.output[0]]
            # Convolutions followed by a batch normalisation or a branch are small, or fused by the runtime.
            if bias.op_type != "Add" or bias.input[1] not in weights:
                continue
            weight = weights[node.input[1]]
            matrix = weight[:, :, 0, 0].T if is_image else weight
            graph.initializer.extend(_rounded(node.output[0], matrix, weights[bias.input[1]]))
            replaced[node.output[0]] = (
                list(_image_product(node, bias)) if is_image else [_product(node, bias)]
            )
            replaced[bias.output[0]] = []
    nodes = [new for node in graph.node for new in replaced.get(node.output[0], [node])]
    del graph.node[:]
    graph.node.extend(nodes)
    move_channels_last(graph)
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    copy.opset_import.append(helper.make_opsetid(DOMAIN, VERSION))
    return copy


def drop_identities(graph: onnx.GraphProto) -> None:
    """Remove ``Identity`` nodes, except for those of graph outputs."""
    outputs = {output.name for output in graph.output}
    source: dict[str, str] = {}
    kept = []
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = source.get(name, name)
        if node.op_type == "Identity" and node.output[0] not in outputs:
            source[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def _is_large_pointwise(node: onnx.NodeProto, weights: _Weights) -> bool:
    if node.op_type != "Conv" or node.input[1] not in weights:
        return False
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    produced, taken, *kernel = weights[node.input[1]].shape
    return (
        kernel == [1, 1]
        and list(attributes["strides"]) == [1, 1]
        and attributes["group"] == 1
        and min(produced, taken) >= MIN_CHANNELS
    )


def _is_large_product(node: onnx.NodeProto, weights: _Weights) -> bool:
    return (
        node.op_type == "MatMul"
        and node.input[1] in weights
        and weights[node.input[1]].shape[1] >= MIN_FEATURES
    )


def _rounded(
    name: str, weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]
) -> Iterator[onnx.TensorProto]:
    whole, scale = rounded(weight)
    yield numpy_helper.from_array(np.ascontiguousarray(whole), f"{name}.weight")
    yield numpy_helper.from_array(scale, f"{name}.scale")
    yield numpy_helper.from_array(bias.reshape(-1).astype(np.float32), f"{name}.bias")


def rounded(weight: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Return integer weights (channels in x out) and their scale for each channel out."""
    matrix = weight.astype(np.float32)
    largest = np.abs(matrix).max(axis=0)
    scale = np.where(largest > 0, largest / np.float32(MAX_WEIGHT), 1).astype(np.float32)
    return np.rint(matrix / scale).clip(-MAX_WEIGHT, MAX_WEIGHT).astype(np.int8), scale


def _image_product(node: onnx.NodeProto, bias: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """Yield the product between two transpositions; most of them meet another and are removed."""
    name = node.output[0]
    yield helper.make_node("Transpose", [node.input[0]], [f"{name}.last"], perm=TO_LAST)
    yield _integer_product(name, f"{name}.last", f"{name}.product")
    yield helper.make_node("Transpose", [f"{name}.product"], [bias.output[0]], perm=TO_SECOND)


def _product(node: onnx.NodeProto, bias: onnx.NodeProto) -> onnx.NodeProto:
    return _integer_product(node.output[0], node.input[0], bias.output[0])


def _integer_product(name: str, taken: str, produced: str) -> onnx.NodeProto:
    # The empty name stands for the weights' zero point, which is zero.
    names = [taken, f"{name}.weight", f"{name}.scale", "", f"{name}.bias"]
    return helper.make_node("DynamicQuantizeMatMul", names, [produced], domain=DOMAIN)
