"""The recogniser's last layers in PyTorch, by the names of their weights in the ONNX model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

#: Heads of attention.
HEADS = 8

Arrays = Mapping[str, npt.NDArray[Any]]

#: Scale and shift of the layers' normalisations, in the order of the network.
NORMS = tuple((f"helper.reshape.{2 * index}", f"helper.reshape.{2 * index + 1}") for index in range(5))

#: Every weight that training changes.
TRAINED = (
    *("conv2d_65.w_0", "conv2d_66.w_0", "conv2d_67.w_0"),
    *(f"batch_norm2d_{number}.{name}" for number in (55, 56, 57) for name in ("w_0", "b_0")),
    *(f"linear_{number}.{name}" for number in range(9) for name in ("w_0", "b_0")),
    *(name for pair in NORMS for name in pair),
)

#: Running means and variances, which stay.
FIXED = tuple(f"batch_norm2d_{number}.{name}" for number in (55, 56, 57) for name in ("w_1", "w_2"))


class LastLayers(nn.Module):
    """Features to log-probabilities of classes for each step.

    Parameters:
        weights: of the ONNX model, by name
        halved: average two steps first, as the original does
    """

    def __init__(self, weights: Arrays, *, halved: bool = False) -> None:
        super().__init__()
        self.halved = halved
        self.weights = nn.ParameterDict(
            {_key(name): nn.Parameter(torch.tensor(np.array(weights[name], np.float32))) for name in TRAINED}
        )
        for name in FIXED:
            self.register_buffer(_key(name), torch.tensor(np.array(weights[name], np.float32)))

    def forward(self, features: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
        """Return lines x steps x classes.

        Parameters:
            features: lines x channels x steps, padded with zeros
            steps: of each line, without padding
        """
        if self.halved:
            features, steps = functional.avg_pool1d(features, 2), steps // 2
        inside = (torch.arange(features.shape[2])[None] < steps[:, None]).to(features.dtype)[:, None]
        short = self._conv(features, "conv2d_67.w_0", 57)
        base = self._conv(features, "conv2d_65.w_0", 55) * inside
        # With twice the steps, the same pixels are two steps apart.
        apart = 1 if self.halved else 2
        seen = base + self._conv(base, "conv2d_66.w_0", 56, apart, len(base[0]))
        x = seen.transpose(1, 2)
        for block in range(2):
            x = x + self._attend(self._norm(x, 2 * block), 4 * block, inside)
            x = x + self._mix(self._norm(x, 2 * block + 1), 4 * block + 2)
        x = self._norm(x, 4) + short.transpose(1, 2)
        return functional.log_softmax(self._linear(x, 8), dim=2)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the trained weights by their names in the ONNX model."""
        return {name: self._of(name).detach().numpy() for name in TRAINED}

    def replace(self, name: str, weight: torch.Tensor) -> None:
        """Replace trained weights by others of the same shape."""
        self.weights[_key(name)] = nn.Parameter(weight.detach().clone())

    def _of(self, name: str) -> torch.Tensor:
        return self.weights[_key(name)]

    def _conv(self, x: torch.Tensor, name: str, norm: int, apart: int = 1, groups: int = 1) -> torch.Tensor:
        weight = self._of(name)[:, :, 0]
        reach = apart * (weight.shape[2] // 2)
        y = functional.conv1d(x, weight, padding=reach, dilation=apart, groups=groups)
        mean, variance = (getattr(self, _key(f"batch_norm2d_{norm}.{name}")) for name in ("w_1", "w_2"))
        scale = self._of(f"batch_norm2d_{norm}.w_0") / torch.sqrt(variance + 1e-5)
        y = (y - mean[:, None]) * scale[:, None] + self._of(f"batch_norm2d_{norm}.b_0")[:, None]
        return functional.silu(y)

    def _norm(self, x: torch.Tensor, number: int) -> torch.Tensor:
        scale, shift = map(self._of, NORMS[number])
        # The last normalisation has an epsilon of its own.
        return functional.layer_norm(x, (x.shape[-1],), scale, shift, 1e-5 if number < 4 else 1e-6)

    def _linear(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return x @ self._of(f"linear_{number}.w_0") + self._of(f"linear_{number}.b_0")

    def _attend(self, x: torch.Tensor, number: int, inside: torch.Tensor) -> torch.Tensor:
        lines, steps, channels = x.shape
        qkv = (
            self._linear(x, number).reshape(lines, steps, 3, HEADS, channels // HEADS).permute(2, 0, 3, 1, 4)
        )
        mask = torch.where(inside[:, :, None] > 0, 0.0, -1e9)
        y = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], attn_mask=mask)
        return self._linear(y.transpose(1, 2).reshape(lines, steps, channels), number + 1)

    def _mix(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return self._linear(functional.silu(self._linear(x, number)), number + 1)


def _key(name: str) -> str:
    return name.replace(".", "/")
