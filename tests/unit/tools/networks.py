"""Runs the small networks of these tests."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

#: Channels of the network, and of its hidden layer.
CHANNELS, HIDDEN = 4, 6

#: 1 x channels x height x width.
NetworkImage: TypeAlias = npt.NDArray[np.float32]


def computed(network: onnx.ModelProto, image: NetworkImage) -> NetworkImage:
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": image})[0], np.float32)


def operators(network: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in network.graph.node]
