"""What `make models` does to the networks that CPUs compute, on a small one with the same parts."""

import onnx
import pytest

from tests.unit.tools.networks import NetworkImage, computed, operators
from tools.models import quantise
from tools.models.operators import replace_gelus, replace_means


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
