"""Moves what is computed between int8 matrix products to where those have their channels: last.

Between two convolutions ONNX Runtime keeps a layout of its own. From there it converts to channels last as
fast as to channels first, but a block that needs both pays twice.
"""

import onnx
from onnx import helper

#: Orders of the axes of an image: channels moved from the second place to the last one, and back.
TO_LAST, TO_SECOND = [0, 2, 3, 1], [0, 3, 1, 2]


#: Computed value by value, so that the order of the axes does not matter.
ELEMENTWISE = ("Add", "Mul", "FastGelu", "HardSigmoid", "Relu")


def move_channels_last(graph: onnx.GraphProto) -> None:
    """Compute ``ELEMENTWISE`` operators channels last, if an image comes from there or goes there."""
    weights = {tensor.name for tensor in graph.initializer}
    before = {node.output[0]: node for node in graph.node}
    after = {name: [node for node in graph.node if name in node.input] for name in before}
    moved: dict[str, str] = {}
    nodes: list[onnx.NodeProto] = []

    def channels_last(name: str) -> str:
        if name not in moved:
            source = before.get(name)
            if source is not None and _moves(source, TO_SECOND):
                return str(source.input[0])
            moved[name] = f"{name}.channels_last"
            nodes.append(helper.make_node("Transpose", [name], [moved[name]], perm=TO_LAST))
        return moved[name]

    renamed: dict[str, str] = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = renamed.get(name, name)
        if _moves(node, TO_LAST):
            renamed[node.output[0]] = channels_last(node.input[0])
            continue
        images = node.op_type in ELEMENTWISE and weights.isdisjoint(node.input)
        comes = any(name in before and _moves(before[name], TO_SECOND) for name in node.input)
        goes = any(_moves(user, TO_LAST) for user in after.get(node.output[0], ()))
        if images and (comes or goes):
            (result,) = node.output
            moved[result] = f"{result}.channels_last"
            operands = [channels_last(name) for name in node.input]
            nodes.append(onnx.NodeProto())
            nodes[-1].CopyFrom(node)
            nodes[-1].input[:], nodes[-1].output[:] = operands, [moved[result]]
            nodes.append(helper.make_node("Transpose", [moved[result]], [result], perm=TO_SECOND))
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input} | {output.name for output in graph.output}
    kept = [node for node in nodes if not used.isdisjoint(node.output)]
    del graph.node[:]
    graph.node.extend(kept)


def _moves(node: onnx.NodeProto, order: list[int]) -> bool:
    return node.op_type == "Transpose" and list(helper.get_node_attr_value(node, "perm")) == order
