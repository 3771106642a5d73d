"""Takes channels out of a body, those first whose loss changes the next layer least."""

from collections.abc import Sequence

import torch
from torch.nn import functional

from tools.recogniser.body import Body, Convolution

#: Share of the channels between a block's two convolutions that stays.
HIDDEN_SHARE = 1 / 2

#: Channels of the first three convolutions that stay. The first one's are also pooled, and joined to the
#: third's.
STEM = (32, 16, 32)

#: Places of a batch of lines whose values are looked at, of each layer.
_SAMPLES = 1500

#: How strongly the weights behind a thinned layer are drawn to what they were.
_RIDGE = 1e-6


def prune(whole: Body, part: Body, batches: Sequence[torch.Tensor]) -> None:
    """Take channels out of ``part``, a copy of ``whole``, as images of lines show what they are worth."""
    pairs = [*whole.hidden_layers]
    stem = whole.convolutions[:4]
    hidden, energies = _look(whole, batches, {one.made for one, _ in pairs}, {one.made for one in stem[:3]})
    with torch.no_grad():
        for widening, narrowing in pairs:
            _thin(whole, part, widening, narrowing, hidden[widening.made])
        _thin_stem(whole, part, stem, [energies[one.made] for one in stem[:3]])


def _look(
    body: Body, batches: Sequence[torch.Tensor], sampled: set[str], summed: set[str]
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return values of some results at random places, and the mean squares of others when positive."""
    values: dict[str, list[torch.Tensor]] = {name: [] for name in sampled}
    squares: dict[str, list[torch.Tensor]] = {name: [] for name in summed}
    generator = torch.Generator().manual_seed(0)

    def watch(name: str, made: torch.Tensor) -> None:
        if name in sampled:
            places = made.permute(0, 2, 3, 1).reshape(-1, made.shape[1])
            values[name].append(places[torch.randperm(len(places), generator=generator)[:_SAMPLES]])
        if name in summed:
            squares[name].append((functional.relu(made) ** 2).mean((0, 2, 3)))

    with torch.no_grad():
        for batch in batches:
            body(batch, watch)
    return (
        {name: torch.cat(found) for name, found in values.items()},
        {name: torch.stack(found).mean(0) for name, found in squares.items()},
    )


def _thin(whole: Body, part: Body, widening: Convolution, narrowing: Convolution, seen: torch.Tensor) -> None:
    """Keep the channels that add most, and refit what comes behind by least squares."""
    narrow, bias = whole.of(narrowing.weight)[:, :, 0, 0], whole.of(narrowing.bias)
    wanted = functional.gelu(seen) @ narrow.T + bias
    hidden = functional.relu(seen) if part.plain else functional.gelu(seen)
    worth = (hidden**2).mean(0) * (narrow**2).sum(0)
    kept = worth.topk(round(HIDDEN_SHARE * len(worth))).indices.sort().values
    inputs = torch.cat([hidden[:, kept], torch.ones(len(hidden), 1)], 1).double()
    before = torch.cat([narrow[:, kept].T, bias[None]]).double()
    ridge = _RIDGE * (inputs**2).sum() / inputs.shape[1] * torch.eye(inputs.shape[1]).double()
    change = torch.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ (wanted.double() - inputs @ before))
    fitted = (before + change).float()
    part.replace(widening.weight, whole.of(widening.weight)[kept])
    part.replace(widening.bias, whole.of(widening.bias)[kept])
    part.replace(narrowing.weight, fitted[:-1].T[:, :, None, None])
    part.replace(narrowing.bias, fitted[-1])


def _thin_stem(
    whole: Body, part: Body, stem: Sequence[Convolution], energies: Sequence[torch.Tensor]
) -> None:
    """Thin the first three convolutions; the fourth takes the first one's pooled channels and the third's."""
    weights = [whole.of(one.weight) for one in stem]
    pooled = len(weights[0])
    used = (
        (weights[1] ** 2).sum((0, 2, 3)) + (weights[3][:, :pooled] ** 2).sum((0, 2, 3)),
        (weights[2] ** 2).sum((0, 2, 3)),
        (weights[3][:, pooled:] ** 2).sum((0, 2, 3)),
    )
    kept = [
        (energy * use).topk(count).indices.sort().values
        for energy, use, count in zip(energies, used, STEM, strict=True)
    ]
    part.replace(stem[0].weight, weights[0][kept[0]])
    part.replace(stem[1].weight, weights[1][kept[1]][:, kept[0]])
    part.replace(stem[2].weight, weights[2][kept[2]][:, kept[1]])
    part.replace(stem[3].weight, weights[3][:, torch.cat([kept[0], pooled + kept[2]])])
    for one, channels in zip(stem[:3], kept, strict=True):
        part.replace(one.bias, whole.of(one.bias)[channels])
