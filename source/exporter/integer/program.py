"""What a network of integers is: tensors of codes, and operations that make one of others."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from source.config.errors import DataError
from source.exporter.integer._operation import Operation
from source.exporter.integer.requantization import INT32_MAX, ROUNDINGS, Rounding
from source.exporter.integer.tensor import Codes

_MOST_NUMBERS = 1 << 28  # of one tensor of one example: beyond, a file is broken or nothing to run with NumPy


@dataclasses.dataclass(frozen=True)
class Program:
    """Integer operations in the order in which they are computed.

    Attributes:
        tensors: name to what is known of a tensor of codes.
        operations: each makes one tensor of tensors that are there before.
        inputs: names of the tensors that are given.
        outputs: names of those that are the answer.
        rounding: how accumulators become codes; see `requantization.multiply`.
    """

    tensors: dict[str, Codes]
    operations: tuple[Operation, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rounding: Rounding = "single"

    def check(self) -> None:
        """Refuses a program that cannot be run, and one whose accumulators may overflow int32.

        Raises:
            DataError: naming the operation.
        """
        if self.rounding not in ROUNDINGS:
            raise DataError(f"rounding: expected one of {ROUNDINGS}. Received: {self.rounding!r}.")
        for codes in self.tensors.values():
            codes.check()
            if math.prod(codes.shape) > _MOST_NUMBERS:
                raise DataError(f"{codes.name}: a tensor has at most 2^28 numbers. Received: shape {codes.shape}.")
        made = set(self.inputs)
        if not made or not self.outputs or not made <= set(self.tensors):
            raise DataError(f"inputs: expected names of tensors. Received: {self.inputs}.")
        for operation in self.operations:
            self._check_operation(operation, made)
            made.add(operation.output)
        if not set(self.outputs) <= made:
            raise DataError(f"outputs: no operation makes {sorted(set(self.outputs) - made)}.")

    def _check_operation(self, operation: Operation, made: set[str]) -> None:
        missing = set(operation.inputs) - made
        if missing or operation.output not in self.tensors or operation.output in made:
            raise DataError(f"{operation.name}: expected to make one new tensor of those before. Missing: {missing}.")
        sources = [self.tensors[each] for each in operation.inputs]
        target = self.tensors[operation.output]
        operation.check(sources, target)
        largest = operation.largest(sources)
        if largest > INT32_MAX:
            raise DataError(
                f"{operation.name}: the accumulator may reach {largest}, and int32 ends at {INT32_MAX}. Take fewer "
                "bits for the weights or for what they are multiplied with."
            )
        try:
            # No example at all: what is left of a run are its shapes.
            empty = operation.run([each.empty() for each in sources], sources, target, self.rounding)
        except (ValueError, IndexError, TypeError, OverflowError, MemoryError) as error:
            raise DataError(f"{operation.name}: does not fit what it is given: {error}") from error
        if empty.shape[1:] != target.shape:
            raise DataError(f"{operation.name}: makes shape {empty.shape[1:]}, and {target.shape} is expected.")


@dataclasses.dataclass(frozen=True)
class Accumulator:
    """How large the accumulator of an operation may become.

    Attributes:
        name: of the operation.
        largest: magnitude over all inputs that the codes allow, bias included.
        bits: of a signed integer that holds it.
    """

    name: str
    largest: int
    bits: int


def accumulators(program: Program) -> list[Accumulator]:
    """Returns how large the accumulator of each operation that has one may become.

    Args:
        program: any.
    """
    found = []
    for operation in program.operations:
        largest = operation.largest([program.tensors[each] for each in operation.inputs])
        if largest:
            found.append(Accumulator(operation.name, largest, largest.bit_length() + 1))
    return found


def run(program: Program, inputs: Sequence[np.ndarray], batch: int = 16) -> list[np.ndarray]:
    """Returns the codes of the outputs.

    Args:
        program: checked.
        inputs: codes, one array (b, ...) an input.
        batch: examples computed at a time, which bounds the memory.

    Raises:
        DataError: for codes of another shape, or beyond what the tensor holds.
    """
    given = [program.tensors[name].checked(codes) for name, codes in zip(program.inputs, inputs, strict=True)]
    parts = []
    for start in range(0, max(len(given[0]), 1), batch):
        made = trace(program, [each[start : start + batch] for each in given])
        parts.append([made[name] for name in program.outputs])
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def trace(program: Program, inputs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the codes of every tensor by its name.

    Args:
        program: checked.
        inputs: codes, one array (b, ...) an input.
    """
    made = dict(zip(program.inputs, inputs, strict=True))
    for operation in program.operations:
        sources = [program.tensors[each] for each in operation.inputs]
        target = program.tensors[operation.output]
        codes = operation.run([made[each] for each in operation.inputs], sources, target, program.rounding)
        made[operation.output] = codes.astype(target.dtype)
    return made
