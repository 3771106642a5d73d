"""Derive the models we ship from the PP-OCR models inside a rapidocr wheel.

``python -m tools.models.derive WHEEL`` writes detector.onnx, recogniser.onnx, both for CPUs as well
(-int8) and direction.onnx next to this file when their hashes are those in SHA256SUMS. The same wheel always
gives the same bytes.
"""

import argparse
import hashlib
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tools.models.quantise import quantised

FOLDER = Path(__file__).parents[2] / "service" / "reading" / "ocr" / "models"
SUMS = FOLDER / "SHA256SUMS"

#: Where the origin's models lie inside the wheel.
ORIGIN = "rapidocr/models"

#: Weights below this are noise from training. 256,000 of the detector's are denormal numbers, on which some
#: processors are slow; for that of docs/benchmarks.md they make no difference.
MIN_WEIGHT = 1e-30

#: What is printed on Indonesian cards: printable ASCII. The origin's other 18,000 characters cost time, and
#: some of them (a full-width colon, a typographic dash) only stand in for these.
CHARACTERS = frozenset(map(chr, range(ord(" "), ord("~") + 1)))

#: The recogniser's last layer: one column, and one bias, for each class.
HEAD_WEIGHT, HEAD_BIAS = "linear_8.w_0", "linear_8.b_0"


def derive(wheel: Path) -> dict[str, bytes]:
    """Return the models to ship by file name.

    Raises:
        KeyError: the wheel holds no such model, or the model is not the one known here.
    """
    with zipfile.ZipFile(wheel) as archive:
        detector = onnx.load_from_string(archive.read(f"{ORIGIN}/PP-OCRv6_det_small.onnx"))
        recogniser = onnx.load_from_string(archive.read(f"{ORIGIN}/PP-OCRv6_rec_small.onnx"))
        direction = onnx.load_from_string(archive.read(f"{ORIGIN}/ch_ppocr_mobile_v2.0_cls_mobile.onnx"))
    _keep_classes(recogniser)
    _free_height(recogniser)
    _choose_inside(recogniser)
    _drop_denormals(detector)
    _drop_denormals(recogniser)
    models = {"detector": detector, "recogniser": recogniser, "direction": direction}
    for model in models.values():
        _take_grey(model)
    models |= {f"{name}-int8": quantised(models[name]) for name in ("detector", "recogniser")}
    return {f"{name}.onnx": model.SerializeToString(deterministic=True) for name, model in models.items()}


def _drop_denormals(model: onnx.ModelProto) -> None:
    """Set weights that are nearly zero to zero."""
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            tensor.CopyFrom(
                numpy_helper.from_array(np.where(np.abs(values) < MIN_WEIGHT, 0, values), tensor.name)
            )


def _take_grey(model: onnx.ModelProto) -> None:
    """Let a network take one channel where it took blue, green and red, which are equal in grey.

    Its first layer weighs and adds up the three: with equal ones that is the sum of the weights.
    """
    graph = model.graph
    graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1
    (first,) = [node for node in graph.node if graph.input[0].name in node.input]
    weights = {tensor.name: tensor for tensor in graph.initializer}
    weights |= {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    weight = weights[first.input[1]]
    summed = numpy_helper.to_array(weight).sum(axis=1, keepdims=True)
    weight.CopyFrom(numpy_helper.from_array(summed, weight.name))


def _keep_classes(model: onnx.ModelProto) -> None:
    """Cut the recogniser's head down to the classes of ``CHARACTERS``.

    The origin's metadata lists the characters of classes 1, 2, ...; class 0 is the CTC blank, and the last
    class, which is not listed, is the space. Ours lists the characters of classes 1, 2, ... to the very last.
    """
    metadata = {entry.key: entry for entry in model.metadata_props}
    characters = ["", *metadata["character"].value.split("\n"), " "]
    kept = [0] + [index for index, character in enumerate(characters) if character in CHARACTERS]
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    weight = numpy_helper.to_array(initializers[HEAD_WEIGHT])
    bias = numpy_helper.to_array(initializers[HEAD_BIAS])
    if len(characters) != len(bias):
        raise KeyError(f"the recogniser has {len(bias)} classes and {len(characters)} characters")
    initializers[HEAD_WEIGHT].CopyFrom(
        numpy_helper.from_array(np.ascontiguousarray(weight[:, kept]), HEAD_WEIGHT)
    )
    initializers[HEAD_BIAS].CopyFrom(numpy_helper.from_array(bias[kept], HEAD_BIAS))
    metadata["character"].value = "\n".join(characters[index] for index in kept[1:])


def _free_height(model: onnx.ModelProto) -> None:
    """Let the recogniser take lines of any height: a pool that ends in one row of three takes all there are.

    It was trained on lines of 32, 48 and 64 pixels, and exported for 48.
    """
    graph = model.graph
    graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    (place,) = [place for place, node in enumerate(graph.node) if node.op_type == "AveragePool"]
    pool = graph.node[place]
    rows, produced = helper.make_node("ReduceMean", pool.input, ["row"], axes=[2], keepdims=1), pool.output
    columns = helper.make_node("AveragePool", ["row"], produced, kernel_shape=[1, 2], strides=[1, 2])
    graph.node.remove(pool)
    graph.node.insert(place, columns)
    graph.node.insert(place, rows)


def _choose_inside(model: onnx.ModelProto) -> None:
    """Let the recogniser give each step's best class and its probability instead of all of them."""
    graph = model.graph
    probabilities = graph.output[0].name
    graph.node.append(helper.make_node("ArgMax", [probabilities], ["classes"], axis=2, keepdims=0))
    graph.node.append(helper.make_node("ReduceMax", [probabilities], ["certainty"], axes=[2], keepdims=0))
    del graph.output[:]
    # Shapes noted for the origin's wide head are wrong now; the runtime infers them anew.
    del graph.value_info[:]
    graph.output.append(helper.make_tensor_value_info("classes", TensorProto.INT64, ["lines", "steps"]))
    graph.output.append(helper.make_tensor_value_info("certainty", TensorProto.FLOAT, ["lines", "steps"]))


def sums_of(models: Mapping[str, bytes]) -> str:
    """Return what ``sha256sum`` would print for these files."""
    return "".join(f"{hashlib.sha256(models[name]).hexdigest()}  {name}\n" for name in sorted(models))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the models; leave without writing anything when they are not the expected ones."""
    parser = argparse.ArgumentParser(prog="python -m tools.models.derive", description=__doc__)
    parser.add_argument("wheel", type=Path, help="rapidocr's wheel, as requirements/models.lock pins it")
    parser.add_argument("--write-sums", action="store_true", help="accept the result: rewrite SHA256SUMS")
    options = parser.parse_args(arguments)
    models = derive(options.wheel)
    if options.write_sums:
        SUMS.write_text(sums_of(models))
    elif SUMS.read_text() != sums_of(models):
        sys.stderr.write(
            f"{options.wheel.name} gives other models than {SUMS.name} lists: use the wheel that "
            "requirements/models.lock pins and the locked onnx, or accept the new ones with --write-sums\n"
        )
        return 1
    for name, content in models.items():
        (FOLDER / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
