"""What `make models` does to the networks that CPUs compute, on a small one with the same parts."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tests.unit.tools.networks import NetworkImage, computed, operators
from tools.models import quantise
from tools.models.operators import replace_gelus, replace_means, sum_across_steps


def test_a_mean_over_an_image_is_pooled_and_stays_the_same(
    network: onnx.ModelProto, image: NetworkImage
) -> None:
    expected = computed(network, image)

    replace_means(network.graph)

    assert "ReduceMean" not in operators(network)
    assert computed(network, image) == pytest.approx(expected, abs=1e-5)


def test_a_gelu_becomes_one_operator_that_differs_little(
    network: onnx.ModelProto, image: NetworkImage
) -> None:
    expected = computed(network, image)

    replace_gelus(network.graph)

    assert [name for name in operators(network) if name in ("Div", "Erf", "FastGelu")] == ["FastGelu"]
    assert computed(network, image) == pytest.approx(expected, abs=0.01)


def test_a_block_in_integers_is_left_channels_last_until_its_end(
    network: onnx.ModelProto, image: NetworkImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantise, "MIN_CHANNELS", 1)

    integers = quantise.quantised(network)

    # The image, its mean, and the result.
    assert operators(integers).count("Transpose") == 3
    assert operators(integers).count("DynamicQuantizeMatMul") == 2
    assert computed(integers, image) == pytest.approx(computed(network, image), abs=0.15)


def test_a_replaced_gelu_may_be_any_operator(network: onnx.ModelProto) -> None:
    replace_gelus(network.graph, "Relu", domain="")

    assert [name for name in operators(network) if name in ("Div", "Erf", "Relu")] == ["Relu"]


def test_a_class_is_as_probable_as_at_three_steps_together() -> None:
    steps, classes = 4, 2
    graph = helper.make_graph(
        [],
        "sums",
        [
            helper.make_tensor_value_info("chances", TensorProto.FLOAT, [1, steps, classes]),
            helper.make_tensor_value_info("classes", TensorProto.INT64, [1, steps]),
        ],
        [helper.make_tensor_value_info("sums", TensorProto.FLOAT, [1, steps])],
    )
    sum_across_steps(graph, "chances", "classes", "sums")
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    chances = np.array([[[0.6, 0.4], [0.7, 0.3], [0.1, 0.9], [0.8, 0.2]]], np.float32)

    (sums,) = session.run(None, {"chances": chances, "classes": np.array([[0, 1, 1, 0]])})

    assert sums[0] == pytest.approx([1.0, 1.0, 1.0, 0.9], abs=1e-6)
