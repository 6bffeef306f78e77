"""Where the tensors of a program lie in one piece of memory, which later ones use again."""

import dataclasses
import math

from source.exporter.integer.elementwise import Reshaping
from source.exporter.integer.program import Program


@dataclasses.dataclass(frozen=True)
class Layout:
    """Places of tensors.

    Attributes:
        offsets: name to where a tensor begins, in codes; inputs are not among them.
        aliases: name to the tensor whose memory it shares, for tensors that are the same codes in another shape.
        codes: length of the memory.
    """

    offsets: dict[str, int]
    aliases: dict[str, str]
    codes: int


def layout(program: Program) -> Layout:
    """Returns places such that no two tensors that are needed at one time overlap; larger ones choose first.

    Args:
        program: checked.
    """
    aliases: dict[str, str] = {}
    for operation in program.operations:
        if isinstance(operation, Reshaping):
            source = operation.inputs[0]
            aliases[operation.output] = aliases.get(source, source)
    born, dies = _lives(program, aliases)
    sizes = {name: math.prod(program.tensors[name].shape) for name in born}
    placed: dict[str, int] = {}
    for name in sorted(born, key=lambda each: (-sizes[each], born[each])):
        taken = sorted(
            (placed[other], placed[other] + sizes[other])
            for other in placed
            if born[other] <= dies[name] and born[name] <= dies[other]
        )
        offset = 0
        for begin, end in taken:
            if offset + sizes[name] <= begin:
                break
            offset = max(offset, end)
        placed[name] = offset
    return Layout(placed, aliases, max((placed[name] + sizes[name] for name in placed), default=0))


def _lives(program: Program, aliases: dict[str, str]) -> tuple[dict[str, int], dict[str, int]]:
    """Returns the operation that makes each tensor and the last one that uses it, as indices."""
    born: dict[str, int] = {}
    dies: dict[str, int] = {}
    for index, operation in enumerate(program.operations):
        for name in operation.inputs:
            dies[aliases.get(name, name)] = index
        if operation.output not in aliases:
            born[operation.output] = dies[operation.output] = index
    for name in program.outputs:
        dies[aliases.get(name, name)] = len(program.operations)
    return born, dies
