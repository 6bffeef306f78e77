"""One C99 header that holds a program: constants, code, and a test of itself."""

import dataclasses
import math
import re
from collections.abc import Callable

import numpy as np

from source.config.errors import ConfigError
from source.exporter.c_source import _kernels as kernels
from source.exporter.c_source._arrays import array_text, packed, width_of
from source.exporter.c_source._memory import Layout, layout
from source.exporter.integer._operation import Operation
from source.exporter.integer.elementwise import Addition, Concatenation, Padding, Requantization, Reshaping
from source.exporter.integer.pooling import AveragePooling, MaxPooling
from source.exporter.integer.products import Convolution, Dense, DepthwiseConvolution, Product
from source.exporter.integer.program import Program, run
from source.exporter.integer.tensor import Codes


@dataclasses.dataclass(frozen=True)
class Header:
    """The text of a header, and what it takes.

    Attributes:
        text: C99.
        flash_bytes: of all constants that inference uses, without code and test.
        ram_bytes: of the memory of activations, without input, output and stack.
    """

    text: str
    flash_bytes: int
    ram_bytes: int


def header(program: Program, prefix: str, test_input: np.ndarray) -> Header:
    """Returns the header of a program.

    Args:
        program: checked, of one input and one output.
        prefix: a C identifier that all names begin with.
        test_input: codes of one example, for the test.

    Raises:
        ConfigError: for several inputs or outputs, and for tensors of too many axes.
    """
    if len(program.inputs) != 1 or len(program.outputs) != 1:
        raise ConfigError(
            f"C code is written for one input and one output. Received: {len(program.inputs)} and "
            f"{len(program.outputs)}. Export a model for each."
        )
    return _Writer(program, prefix, layout(program)).header(test_input)


class _Writer:
    """One header being written."""

    def __init__(self, program: Program, prefix: str, places: Layout) -> None:
        self._program = program
        self._prefix = prefix
        self._places = places
        wide = any(each.low < -128 or each.high > 127 for each in program.tensors.values())
        self._code_bits = 16 if wide else 8
        self._constants: list[str] = []
        self._flash_bytes = 0
        self._kernels: dict[str, str] = {}
        self._index = 0

    def header(self, test_input: np.ndarray) -> Header:
        calls = [line for operation in self._program.operations for line in self._calls(operation)]
        source, target = (self._program.tensors[each[0]] for each in (self._program.inputs, self._program.outputs))
        ram_bytes = self._places.codes * self._code_bits // 8
        guard = f"{self._prefix.upper()}_H"
        parts = [
            f"/* An integer network: {len(self._program.operations)} operations, {self._flash_bytes} bytes of constants"
            f" and {ram_bytes} bytes of memory.\n"
            f"   number = scale * (code - zero point); call {self._prefix}_infer. */",
            f"#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n",
            self._definitions(source, target, ram_bytes),
            f"typedef int{self._code_bits}_t @_code;\n".replace("@", self._prefix),
            *self._constants,
            *(text.replace("@", self._prefix) for text in self._kernels.values()),
            self._inference(calls, target),
            self._test(source, test_input),
            f"#endif /* {guard} */",
        ]
        return Header("\n".join(parts) + "\n", self._flash_bytes, ram_bytes)

    def _definitions(self, source: Codes, target: Codes, ram_bytes: int) -> str:
        values: dict[str, object] = {"FLASH_BYTES": self._flash_bytes, "RAM_BYTES": ram_bytes}
        for role, tensor in (("INPUT", source), ("OUTPUT", target)):
            values[f"{role}_LENGTH"] = math.prod(tensor.shape)
            values[f"{role}_SCALE"] = f"{float(np.float32(tensor.scale)).hex()}f /* {tensor.scale:.9g} */"
            values[f"{role}_ZERO_POINT"] = f"({tensor.zero_point})"
            values[f"{role}_LOWEST_CODE"] = f"({tensor.low})"
            values[f"{role}_HIGHEST_CODE"] = f"({tensor.high})"
        shapes = f"/* Shapes: input {source.shape}, output {target.shape}, the last axis fastest. */\n"
        return shapes + "".join(f"#define {self._prefix.upper()}_{name} {value}\n" for name, value in values.items())

    def _inference(self, calls: list[str], target: Codes) -> str:
        body = "\n".join(f"    {line}" for line in calls)
        result = self._place(target.name)
        arena = f"static {self._prefix}_code {self._prefix}_memory[{max(self._places.codes, 1)}];\n"
        return (
            f"{arena}\n/* Codes of one input become codes of one output. Not for two threads at once. */\n"
            f"static void {self._prefix}_infer(const {self._prefix}_code *input, {self._prefix}_code *output)\n{{\n"
            f"    {self._prefix}_code *memory = {self._prefix}_memory;\n{body}\n"
            f"    for (int32_t i = 0; i < {math.prod(target.shape)}; ++i) output[i] = ({result})[i];\n}}\n"
        )

    def _test(self, source: Codes, test_input: np.ndarray) -> str:
        [expected] = run(self._program, [test_input.reshape(1, *source.shape)])
        kind, prefix = f"int{self._code_bits}_t", self._prefix
        return (
            f"#ifdef {prefix.upper()}_TEST\n"
            + array_text(kind, f"{prefix}_test_input", test_input.reshape(-1))
            + array_text(kind, f"{prefix}_test_output", expected.reshape(-1))
            + f"/* Returns how many codes of the output are others than they should be. */\n"
            f"static int {prefix}_test(void)\n{{\n    int wrong = 0;\n"
            f"    {prefix}_code output[{expected.size}];\n    {prefix}_infer({prefix}_test_input, output);\n"
            f"    for (int i = 0; i < {expected.size}; ++i) wrong += output[i] != {prefix}_test_output[i];\n"
            f"    return wrong;\n}}\n#endif\n"
        )

    def _calls(self, operation: Operation) -> list[str]:
        """Returns the calls that an operation is, having written its constants."""
        if isinstance(operation, Reshaping):
            return []
        self._index += 1
        # Only letters, digits and low lines: a layer's name cannot end the comment.
        comment = f"/* {re.sub(r'[^A-Za-z0-9_]', '_', operation.name)[:60]} */"
        return [comment, *_CALLS[type(operation)](self, operation)]

    def convolution(self, operation: Product) -> list[str]:
        source, target = self._ends(operation)
        rows, columns, channels = _maps(source.shape)
        out_rows, out_columns, out_channels = _maps(target.shape)
        if isinstance(operation, Dense):
            window, strides, dilation, margins, groups = (1, 1), (1, 1), (1, 1), (0, 0, 0, 0), 1
        elif isinstance(operation, (Convolution, DepthwiseConvolution)):
            rows_columns = operation.weights.shape[:2]
            window, strides, dilation, margins = rows_columns, operation.strides, operation.dilation, operation.margins
            groups = operation.groups if isinstance(operation, Convolution) else channels
        width = width_of(operation.weights)
        shape = [
            rows, columns, channels, out_rows, out_columns, out_channels, *window, *strides, *dilation, margins[0],
            margins[2], groups, width, source.zero_point, target.zero_point, *operation.limits,
            int(operation.multiplier.size > 1),
        ]  # fmt: skip
        self._use("multiply", kernels.MULTIPLY[self._program.rounding])
        self._use("weight", kernels.WEIGHT)
        self._use("conv2d", kernels.CONVOLUTION)
        arrays = [
            self._array("int32_t", "shape", shape),
            self._array("uint8_t", "weights", packed(operation.weights, width)),
            self._array("int32_t", "bias", operation.bias),
            self._array("int32_t", "headroom", operation.headroom),
            *self._factors(operation.multiplier, operation.shift),
        ]
        return [f"{self._prefix}_conv2d({self._from_to(operation)}, {', '.join(arrays)});"]

    def average_pool(self, operation: AveragePooling) -> list[str]:
        source, target = self._ends(operation)
        shape = [
            *self._pool_shape(operation), source.zero_point, target.zero_point, *operation.limits,
            int(operation.multiplier.size > 1),
        ]  # fmt: skip
        self._use("multiply", kernels.MULTIPLY[self._program.rounding])
        self._use("average_pool", kernels.AVERAGE_POOL)
        arrays = [self._array("int32_t", "shape", shape), *self._factors(operation.multiplier, operation.shift)]
        return [f"{self._prefix}_average_pool({self._from_to(operation)}, {', '.join(arrays)});"]

    def max_pool(self, operation: MaxPooling) -> list[str]:
        self._use("max_pool", kernels.MAX_POOL)
        shape = self._array("int32_t", "shape", self._pool_shape(operation))
        return [f"{self._prefix}_max_pool({self._from_to(operation)}, {shape}, {self._ends(operation)[0].low});"]

    def add(self, operation: Addition) -> list[str]:
        zeros = [self._program.tensors[each].zero_point for each in operation.inputs]
        target = self._program.tensors[operation.output]
        shape = [math.prod(target.shape), *zeros, target.zero_point, *operation.limits, operation.left_shift]
        self._use("multiply", kernels.MULTIPLY[self._program.rounding])
        self._use("add", kernels.ADD)
        factors = self._factors(
            np.append(operation.source_multiplier, operation.multiplier),
            np.append(operation.source_shift, operation.shift),
        )
        places = ", ".join(self._place(each) for each in (*operation.inputs, operation.output))
        return [f"{self._prefix}_add({places}, {self._array('int32_t', 'shape', shape)}, {', '.join(factors)});"]

    def requantize(self, operation: Requantization) -> list[str]:
        source, target = self._ends(operation)
        shape = [math.prod(target.shape), source.zero_point, target.zero_point, *operation.limits]
        self._use("multiply", kernels.MULTIPLY[self._program.rounding])
        self._use("requantize", kernels.REQUANTIZE)
        arrays = [self._array("int32_t", "shape", shape), *self._factors(operation.multiplier, operation.shift)]
        return [f"{self._prefix}_requantize({self._from_to(operation)}, {', '.join(arrays)});"]

    def concatenate(self, operation: Concatenation) -> list[str]:
        target = self._program.tensors[operation.output]
        axis, calls, begin = operation.axis - 1, [], 0
        self._use("concatenate", kernels.CONCATENATE)
        for index, name in enumerate(operation.inputs):
            part = math.prod(self._program.tensors[name].shape[axis:])
            shape = [math.prod(target.shape[:axis]), part, math.prod(target.shape[axis:]), begin]
            array = self._array("int32_t", f"shape{index}", shape)
            calls.append(f"{self._prefix}_concatenate({self._place(name)}, {self._place(target.name)}, {array});")
            begin += part
        return calls

    def pad(self, operation: Padding) -> list[str]:
        source, target = self._ends(operation)
        if len(source.shape) > 3:
            raise ConfigError(f"`{operation.name}`: C code pads tensors of 3 axes. Received: {len(source.shape)}.")
        before = [0] * (3 - len(source.shape)) + list(operation.before)
        shape = [*_maps(source.shape), *_maps(target.shape), *before]
        self._use("pad", kernels.PAD)
        array = self._array("int32_t", "shape", shape)
        return [f"{self._prefix}_pad({self._from_to(operation)}, {array}, {source.zero_point});"]

    def _pool_shape(self, operation: AveragePooling | MaxPooling) -> list[int]:
        source, target = self._ends(operation)
        margins = operation.margins[0], operation.margins[2]
        return [*source.shape, *target.shape[:2], *operation.window, *operation.strides, *margins]

    def _factors(self, multiplier: np.ndarray, shift: np.ndarray) -> list[str]:
        return [
            self._array("int32_t", "multiplier", multiplier.reshape(-1)),
            self._array("int32_t", "shift", shift.reshape(-1)),
        ]

    def _array(self, kind: str, role: str, numbers: list[int] | np.ndarray) -> str:
        """Writes a constant array of the operation at hand and returns its name."""
        name = f"{self._prefix}_{self._index}_{role}"
        self._constants.append(array_text(kind, name, np.asarray(numbers).tolist()))
        self._flash_bytes += len(numbers) * {"uint8_t": 1, "int32_t": 4}[kind]
        return name

    def _use(self, name: str, text: str) -> None:
        self._kernels.setdefault(name, text)

    def _ends(self, operation: Operation) -> tuple[Codes, Codes]:
        return self._program.tensors[operation.inputs[0]], self._program.tensors[operation.output]

    def _from_to(self, operation: Operation) -> str:
        return f"{self._place(operation.inputs[0])}, {self._place(operation.output)}"

    def _place(self, name: str) -> str:
        own = self._places.aliases.get(name, name)
        return "input" if own in self._program.inputs else f"memory + {self._places.offsets[own]}"


def _maps(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Returns a shape as rows, columns and channels: all axes before the last two are rows."""
    padded = (1, 1, *shape)
    return math.prod(padded[:-2]), padded[-2], padded[-1]


# An operation's own method takes no other.
_CALLS: dict[type[Operation], Callable[..., list[str]]] = {
    Addition: _Writer.add,
    AveragePooling: _Writer.average_pool,
    Concatenation: _Writer.concatenate,
    Convolution: _Writer.convolution,
    Dense: _Writer.convolution,
    DepthwiseConvolution: _Writer.convolution,
    MaxPooling: _Writer.max_pool,
    Padding: _Writer.pad,
    Requantization: _Writer.requantize,
}
