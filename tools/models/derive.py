"""Derives the shipped models from the PP-OCR models in a rapidocr wheel.

``python -m tools.models.derive WHEEL`` writes detector.onnx, recogniser.onnx, an int8 variant of both and a
small recogniser for CPUs, and direction.onnx to ``service/reading/ocr/models``, provided that their hashes
are those in SHA256SUMS. The output is reproducible: the same wheel always gives the same bytes.
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

from tools.models.operators import replace_gelus, sum_across_steps
from tools.models.quantise import drop_identities, quantised

FOLDER = Path(__file__).parents[2] / "service" / "reading" / "ocr" / "models"
SUMS = FOLDER / "SHA256SUMS"

#: Folder of the original models in the wheel.
ORIGINAL_FOLDER = "rapidocr/models"

#: Smaller weights are noise from training. 256,000 of the detector's are denormal numbers, which are slow on
#: some processors; on that of docs/benchmarks.md they make no difference.
MIN_WEIGHT = 1e-30

#: Characters of Indonesian cards: printable ASCII. The other 18,000 characters of the original cost time, and
#: some (a full-width colon, a typographic dash) are look-alikes of these.
CHARACTERS = frozenset(map(chr, range(ord(" "), ord("~") + 1)))

#: Weights of the recogniser's last layers, by name, as ``tools.recogniser.train`` writes them.
TRAINED = Path(__file__).with_name("last_layers.npz")

#: Weights of the small recogniser, by name, as ``tools.recogniser.distil`` writes them.
SMALL = Path(__file__).with_name("small_recogniser.npz")

#: Added to the logit of a blank: words stand further apart on cards than in the lines of the training.
BLANK_BIAS = -2.0

#: Weight of the convolution that looks at neighbouring steps.
CONTEXT_WEIGHT = "conv2d_66.w_0"

#: Last layer of the recogniser: one column and one bias for each class.
HEAD_WEIGHT, HEAD_BIAS = "linear_8.w_0", "linear_8.b_0"


def derive(wheel: Path) -> dict[str, bytes]:
    """Return the derived models by file name.

    Raises:
        KeyError: a model is missing in the wheel, or is not the expected one.
    """
    detector = _original(wheel, "PP-OCRv6_det_small")
    direction = _original(wheel, "ch_ppocr_mobile_v2.0_cls_mobile")
    recogniser = large_recogniser(wheel)
    small = small_recogniser(recogniser)
    _choose_inside(recogniser)
    _choose_inside(small, across_steps=True)
    for model in (detector, direction):
        _take_grey(model)
    _drop_denormals(detector)
    models = {"detector": detector, "recogniser": recogniser, "direction": direction}
    models |= {f"{name}-int8": quantised(models[name]) for name in ("detector", "recogniser")}
    models["recogniser-small-int8"] = quantised(small)
    return {f"{name}.onnx": model.SerializeToString(deterministic=True) for name, model in models.items()}


def published_recogniser(wheel: Path) -> onnx.ModelProto:
    """Return the recogniser with the published weights, for ``CHARACTERS`` and lines of any height.

    Raises:
        KeyError: see ``derive``.
    """
    recogniser = _original(wheel, "PP-OCRv6_rec_small")
    _keep_classes(recogniser)
    _free_height(recogniser)
    return recogniser


def large_recogniser(wheel: Path, blank_bias: float = BLANK_BIAS) -> onnx.ModelProto:
    """Return the recogniser with trained last layers, for grey lines; its output are all probabilities.

    Raises:
        KeyError: see ``derive``.
    """
    recogniser = published_recogniser(wheel)
    _take_trained(recogniser, blank_bias)
    _drop_denormals(recogniser)
    _take_grey(recogniser)
    return recogniser


def small_recogniser(large: onnx.ModelProto) -> onnx.ModelProto:
    """Return the small recogniser: fewer channels, max(0, x) instead of GELU, and weights of its own."""
    small = onnx.ModelProto()
    small.CopyFrom(large)
    drop_identities(small.graph)
    replace_gelus(small.graph, "Relu", domain="")
    _take_weights(small, SMALL, BLANK_BIAS)
    return small


def _original(wheel: Path, name: str) -> onnx.ModelProto:
    with zipfile.ZipFile(wheel) as archive:
        return onnx.load_from_string(archive.read(f"{ORIGINAL_FOLDER}/{name}.onnx"))


def _drop_denormals(model: onnx.ModelProto) -> None:
    """Set weights that are nearly zero to zero."""
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            tensor.CopyFrom(
                numpy_helper.from_array(np.where(np.abs(values) < MIN_WEIGHT, 0, values), tensor.name)
            )


def _take_grey(model: onnx.ModelProto) -> None:
    """Change a network's input from three channels (blue, green, red) to one of grey.

    The first layer computes a weighted sum of the channels; for equal channels the weights can be added up.
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
    """Reduce the recogniser's last layer to the classes of ``CHARACTERS``.

    The original's metadata lists the characters from class 1 on; class 0 is the CTC blank, and the last
    class, which is not listed, is the space. The derived model lists all characters from class 1 on.
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
    """Allow lines of any height: a pooling layer over three rows becomes one over all rows.

    The model was trained on lines of 32, 48 and 64 pixels, and exported for 48.
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


def _take_trained(model: onnx.ModelProto, blank_bias: float) -> None:
    """Give the recogniser's last layers the weights of ``TRAINED``, and twice the steps.

    The original averages two steps into one of eight pixels, in which an apostrophe or a narrow blank gets
    lost.
    """
    graph = model.graph
    (pool,) = [node for node in graph.node if node.op_type == "AveragePool"]
    graph.node.remove(pool)
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = pool.input[0] if name == pool.output[0] else name
        if CONTEXT_WEIGHT in node.input:
            # The same pixels are twice as many steps apart.
            for attribute in node.attribute:
                if attribute.name == "dilations":
                    attribute.ints[:] = [1, 2]
                elif attribute.name == "pads":
                    attribute.ints[:] = [0, 6, 0, 6]
    _take_weights(model, TRAINED, blank_bias)


def _take_weights(model: onnx.ModelProto, path: Path, blank_bias: float) -> None:
    """Give a recogniser the weights of a file, by name; those without a name there stay."""
    (characters,) = [entry.value.split("\n") for entry in model.metadata_props if entry.key == "character"]
    with np.load(path) as stored:
        weights = {name: stored[name].astype(np.float32) for name in stored.files}
    weights[HEAD_BIAS][1 + characters.index(" ")] += blank_bias
    for tensor in model.graph.initializer:
        weight = weights.get(tensor.name)
        if weight is not None:
            # A bias of a convolution is stored flat.
            shape = (1, -1, 1, 1) if weight.ndim == 1 and len(tensor.dims) == 4 else weight.shape
            tensor.CopyFrom(numpy_helper.from_array(weight.reshape(shape), tensor.name))


def _choose_inside(model: onnx.ModelProto, *, across_steps: bool = False) -> None:
    """Change the output from all probabilities to three values for each step.

    These are the best class, its probability, and the probability of a blank or a mark, whichever it is.

    Parameters:
        model: a recogniser whose output are all probabilities
        across_steps: sum the best class's probability over the steps before and behind as well: the small
            recogniser is sure of a character more often than of the step that it stands at
    """
    graph = model.graph
    probabilities = graph.output[0].name
    (characters,) = [entry.value.split("\n") for entry in model.metadata_props if entry.key == "character"]
    is_between = np.array([[0.0], *([float(not one.isalnum())] for one in characters)], np.float32)
    graph.initializer.append(numpy_helper.from_array(is_between, "is_between"))
    graph.node.append(helper.make_node("ArgMax", [probabilities], ["classes"], axis=2, keepdims=0))
    if across_steps:
        sum_across_steps(graph, probabilities, "classes", "certainty")
    else:
        graph.node.append(helper.make_node("ReduceMax", [probabilities], ["certainty"], axes=[2], keepdims=0))
    graph.node.append(helper.make_node("MatMul", [probabilities, "is_between"], ["sum"]))
    graph.node.append(helper.make_node("Squeeze", ["sum"], ["between"], axes=[2]))
    del graph.output[:]
    # Shapes recorded for the original last layer are wrong now; the runtime infers them again.
    del graph.value_info[:]
    shape = ["lines", "steps"]
    graph.output.append(helper.make_tensor_value_info("classes", TensorProto.INT64, shape))
    graph.output.append(helper.make_tensor_value_info("certainty", TensorProto.FLOAT, shape))
    graph.output.append(helper.make_tensor_value_info("between", TensorProto.FLOAT, shape))


def sums_of(models: Mapping[str, bytes]) -> str:
    """Return the output of ``sha256sum`` for these files."""
    return "".join(f"{hashlib.sha256(models[name]).hexdigest()}  {name}\n" for name in sorted(models))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the models, or nothing if their hashes are unexpected; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.models.derive", description=__doc__)
    parser.add_argument("wheel", type=Path, help="wheel of rapidocr as pinned by requirements/models.lock")
    parser.add_argument(
        "--write-sums", action="store_true", help="accept the derived models and rewrite SHA256SUMS"
    )
    options = parser.parse_args(arguments)
    models = derive(options.wheel)
    if options.write_sums:
        SUMS.write_text(sums_of(models))
    elif SUMS.read_text() != sums_of(models):
        sys.stderr.write(
            f"the models derived from {options.wheel.name} do not match {SUMS.name}: use the versions of "
            "requirements/models.lock, or accept the new models with --write-sums\n"
        )
        return 1
    for name, content in models.items():
        (FOLDER / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
