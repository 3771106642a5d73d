"""`make small-recogniser`: train a smaller recogniser to see what the large one sees.

The small one reads every line first; what it doubts, the large one reads again. It has half of the large
one's hidden channels, fewer in its first layers, and max(0, x) instead of GELU. It starts from the weights of
the large one and learns in four rounds, on rendered lines: to make of them what the large one makes (sums
after every other block, features, probabilities); then the last two, with more weight on the printed texts;
then the texts alone, so that it is sure of the steps at which characters stand; in the end again, with more
of what cards rarely print. From a part of the first round on large products are rounded as the quantised
model's are.

The same packages, faces and processor give the same weights; other processors may round differently.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

from tools.models.derive import SMALL, large_recogniser
from tools.models.quantise import drop_identities
from tools.recogniser.body import Body
from tools.recogniser.features import OUTPUT
from tools.recogniser.images import RARE_SHARDS, Batch, batches, make_shards
from tools.recogniser.layers import LastLayers
from tools.recogniser.pruning import prune
from tools.recogniser.train import decoded, find_faces, numbers_of

#: Shards that no training sees: they judge it.
_JUDGING, _JUDGING_RARE = (62, 63), RARE_SHARDS[-2:]

#: Shards that are trained with, the second in the last round only.
_TRAINING, _TRAINING_RARE = range(62), RARE_SHARDS[:-2]


@dataclass(frozen=True, slots=True)
class _Round:
    #: Over all shards.
    passes: float
    #: Learning rate at its height.
    rate: float
    #: Share of the round after which large products are rounded.
    rounded_from: float
    #: Weight of the differences of the blocks' sums, relative to their size.
    sums: float
    #: Weight of the differences of the features, relative to their size.
    features: float
    #: Weight of the Kullback-Leibler divergence of a step's probabilities.
    probabilities: float
    #: Weight of the CTC loss of a character.
    text: float
    #: With what cards rarely print.
    rare: bool = False

    @property
    def shards(self) -> Sequence[int]:
        """What is trained with."""
        return [*_TRAINING, *_TRAINING_RARE] if self.rare else _TRAINING


_ROUNDS = (
    _Round(2.2, 1.5e-3, rounded_from=0.4, sums=0.6, features=2.0, probabilities=5.0, text=0.5),
    _Round(3.0, 1.0e-3, rounded_from=0.0, sums=0.0, features=2.0, probabilities=5.0, text=1.0),
    _Round(0.75, 4.0e-4, rounded_from=0.0, sums=0.0, features=0.0, probabilities=0.0, text=1.0),
    _Round(0.75, 4.0e-4, rounded_from=0.0, sums=0.0, features=0.0, probabilities=0.0, text=1.0, rare=True),
)

#: Batches until the learning rate is at its height, and the last layers' share of it.
_WARM_UP, _LAST_SHARE = 150, 0.3

#: A line that nobody could read teaches nothing: its CTC loss counts no more than this a character.
_MAX_LOSS = 3.0


class Recogniser(nn.Module):
    """A body with its last layers."""

    def __init__(self, model: onnx.ModelProto, *, plain: bool = False) -> None:
        super().__init__()
        weights = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
        self.body, self.last = Body(model, plain=plain), LastLayers(weights)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the weights by their names in the ONNX model."""
        return {**self.body.arrays(), **self.last.arrays()}

    def load(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Replace the weights by others of the same names and shapes."""
        for part in (self.body, self.last):
            for name in part.arrays():
                part.replace(name, torch.from_numpy(arrays[name].astype(np.float32)))
        self.to(memory_format=torch.channels_last)

    def forward(self, batch: Batch) -> tuple[Mapping[str, torch.Tensor], torch.Tensor, torch.Tensor]:
        """Return the results of the body's steps, the features, and log-probabilities of classes."""
        images = batch.images.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            results = self.body(images)
        features = results[OUTPUT][:, :, 0].float()
        return results, features, self.last(features, batch.steps)


def main() -> int:
    """Write the weights; return 2 when a face is missing."""
    options = _options()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    faces = find_faces(options.fonts)
    if faces is None:
        return 2
    options.lines.mkdir(parents=True, exist_ok=True)
    make_shards(faces, options.lines, RARE_SHARDS.stop, options.threads)
    model, characters = _large(options.wheel)
    large, small = Recogniser(model), Recogniser(model, plain=True)
    large.requires_grad_(requires_grad=False)
    rng = random.Random(0)
    prune(large.body, small.body, [one.images for one in batches(options.lines, 0, rng)][:16])
    for each in (large, small):
        each.to(memory_format=torch.channels_last)
    for number, plan in enumerate(_ROUNDS, 1):
        if number < options.round:
            continue
        if number == options.round and number > 1:
            with np.load(SMALL) as stored:
                small.load(stored)
        for report in _train(
            _Lesson(large, small, plan, characters), options.lines, random.Random(number - 1)
        ):
            for judging in (_JUDGING, _JUDGING_RARE):
                compared = _compared(large, small, options.lines, characters, judging)
                print(f"round {number}, {report}", compared, flush=True)
        halves = {name: one.astype(np.float16) for name, one in small.arrays().items()}
        np.savez(SMALL, allow_pickle=False, **halves)
        small.load(halves)
    return 0


def _large(wheel: Path) -> tuple[onnx.ModelProto, Sequence[str]]:
    """Return the large recogniser, and the characters of classes 1, 2, ..."""
    model = large_recogniser(wheel, blank_bias=0.0)
    drop_identities(model.graph)
    (characters,) = [entry.value.split("\n") for entry in model.metadata_props if entry.key == "character"]
    return model, characters


class _Lesson:
    """What the small recogniser is to learn in a round."""

    def __init__(self, large: Recogniser, small: Recogniser, plan: _Round, characters: Sequence[str]) -> None:
        self.large, self.small, self.plan = large, small, plan
        self._numbers = numbers_of(characters)
        self._seen: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = {}

    def losses(self, batch: Batch) -> torch.Tensor:
        """Return what is to be small: of sums and features, of probabilities, of texts."""
        results, features, chances = self.small(batch)
        targets = torch.tensor([self._numbers[one] for text in batch.texts for one in text])
        lengths = torch.tensor([len(text) for text in batch.texts])
        texts = functional.ctc_loss(
            chances.transpose(0, 1), targets, batch.steps, lengths, reduction="none", zero_infinity=True
        )
        text = self.plan.text * (texts / lengths).clamp(max=_MAX_LOSS).mean()
        return torch.stack([*self._unlike(batch, results, features, chances), text])

    def _unlike(
        self, batch: Batch, results: Mapping[str, torch.Tensor], features: torch.Tensor, chances: torch.Tensor
    ) -> Sequence[torch.Tensor]:
        """Return how much sums and features, and probabilities, differ from those of the large one."""
        plan = self.plan
        if not (plan.sums or plan.features or plan.probabilities):
            none = torch.zeros(())
            return none, none
        sums, wanted_features, wanted_chances = self._wanted(batch)
        inside = (torch.arange(features.shape[2])[None] < batch.steps[:, None]).float()
        unlike = plan.features * _difference(features, wanted_features, inside[:, None])
        for name, wanted in sums.items():
            unlike = unlike + plan.sums * _difference(results[name], wanted, inside[:, None, None])
        divergence = (wanted_chances.exp() * (wanted_chances - chances)).sum(2)
        return unlike, plan.probabilities * (divergence * inside).sum() / inside.sum()

    def _wanted(self, batch: Batch) -> tuple[Mapping[str, torch.Tensor], torch.Tensor, torch.Tensor]:
        """Return what the large one sees: sums of blocks, features, log-probabilities."""
        if batch.place not in self._seen:
            with torch.no_grad():
                results, features, chances = self.large(batch)
            if self.plan.sums:
                return {name: results[name] for name in self.large.body.sums[2::2]}, features, chances
            # A third of the time, and small enough to remember.
            self._seen[batch.place] = features.bfloat16(), chances.half()
        features, chances = self._seen[batch.place]
        return {}, features.float(), chances.float()


def _train(lesson: _Lesson, folder: Path, rng: random.Random) -> Iterator[str]:
    """Train for a round; yield a report after each half pass, and at the end."""
    plan, small = lesson.plan, lesson.small
    optimiser = torch.optim.AdamW(
        [{"params": [*small.body.parameters()]}, {"params": [*small.last.parameters()]}],
        weight_decay=0.0,
        betas=(0.9, 0.99),
    )
    shards = plan.shards
    total = round(plan.passes * len(shards))
    order = [shard for _ in range(math.ceil(plan.passes)) for shard in rng.sample(shards, len(shards))]
    mean = torch.zeros(3)
    count, started = 0, time.monotonic()
    for place, shard in enumerate(order[:total]):
        done = place / total
        small.body.rounded = done >= plan.rounded_from
        for batch in batches(folder, shard, rng):
            count += 1
            rate = plan.rate * min(1.0, count / _WARM_UP) * (0.01 + 0.495 * (1 + math.cos(math.pi * done)))
            for group, share in zip(optimiser.param_groups, (1.0, _LAST_SHARE), strict=True):
                group["lr"] = rate * share
            optimiser.zero_grad()
            losses = lesson.losses(batch)
            losses.sum().backward()
            nn.utils.clip_grad_norm_(small.parameters(), 2.0)
            optimiser.step()
            mean += (losses.detach() - mean) / 20
        if place % (len(shards) // 2) == len(shards) // 2 - 1 or place == total - 1:
            seconds = time.monotonic() - started
            yield f"{place + 1} of {total} shards, {seconds:.0f} s, losses {mean.tolist()}:"


def _difference(one: torch.Tensor, other: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """Return the mean square of a difference, relative to that of ``other``."""
    weight = inside.to(one.dtype)
    return (((one - other) * weight) ** 2).mean().float() / ((other * weight) ** 2).mean().float()


def _compared(
    large: Recogniser, small: Recogniser, folder: Path, characters: Sequence[str], shards: Sequence[int]
) -> str:
    """Say how many lines of some shards each reads, and how many both read alike."""
    counts = dict.fromkeys(("lines", "right (large)", "right (small)", "alike"), 0)
    for batch in (batch for shard in shards for batch in batches(folder, shard, random.Random(0))):
        with torch.no_grad():
            classes = [each(batch)[2].argmax(dim=2).tolist() for each in (large, small)]
        for text, steps, *rows in zip(batch.texts, batch.steps.tolist(), *classes, strict=True):
            theirs, ours = (decoded(row[:steps], characters) for row in rows)
            counts["lines"] += 1
            counts["right (large)"] += theirs == text
            counts["right (small)"] += ours == text
            counts["alike"] += theirs == ours
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.recogniser.distil", description=__doc__)
    parser.add_argument("wheel", type=Path, help="wheel of rapidocr as pinned by requirements/models.lock")
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument(
        "--lines", type=Path, default=Path("build/recogniser/lines"), help="kept between runs"
    )
    parser.add_argument(
        "--round", type=int, default=1, help="to begin with, from the weights of the one before"
    )
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
