"""Tests of the C text of a program."""

import re

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.exporter.c_source._arrays import array_text, packed, width_of
from source.exporter.c_source._memory import layout
from source.exporter.c_source.header import header
from source.exporter.integer.elementwise import Addition, Requantization
from source.exporter.integer.program import Program
from source.exporter.integer.requantization import quantized_multipliers
from source.exporter.integer.tensor import Codes
from source.exporter.integer_lowering.lower import lowered
from tests.exporter.integer_models import images, residual_model


@pytest.mark.parametrize(
    ("codes", "width", "data"),
    [
        ([1, -1, -1, 1, 1, 1, 1, 1, -1], 1, [0b11111001, 0]),
        ([1, 0, -1, -2, 1], 2, [0b10110001, 1]),
        ([1, 1], 1, [3]),
        ([7, -8, 3], 4, [0x87, 0x03]),
        ([8, -8], 8, [8, 248]),
        ([128, -2], 16, [128, 0, 254, 255]),
    ],
)
def test_weights_are_packed_to_the_bits_they_need(codes, width, data):
    assert width_of(np.array(codes)) == width
    assert packed(np.array(codes), width).tolist() == data


def test_the_smallest_integer_is_written_without_a_number_of_64_bits():
    assert array_text("int32_t", "a", [-(1 << 31), 5]) == (
        "static const int32_t a[] = {\n    (-2147483647 - 1), 5\n};\n"
    )


def chain(count):
    """Returns a program of as many requantizations, whose first is added to the last."""
    codes = {name: Codes(name, (10,), -128, 127, 1.0, 0) for name in ["x", *map(str, range(count)), "y"]}
    factors, halves = quantized_multipliers([1.0]), quantized_multipliers([0.5, 0.5])
    names = ["x", *map(str, range(count))]
    steps = [Requantization("r", (names[i],), names[i + 1], *factors, (-128, 127)) for i in range(count)]
    last = Addition("a", ("0", names[-1]), "y", *quantized_multipliers([2.0**-19]), (-128, 127), 20, *halves)
    return Program(codes, (*steps, last), ("x",), ("y",))


def test_memory_is_used_again_and_never_by_two_at_a_time():
    found = layout(chain(6))
    assert found.codes == 30  # the first stays to the end; the others take turns
    assert len({found.offsets[each] for each in ("0", "4", "5")}) == 3


def test_the_header_states_its_bytes_and_ends_of_codes():
    program = lowered(residual_model())
    source = program.tensors["image"]
    made = header(program, "net", source.rounded(images(1)))
    defined = dict(re.findall(r"#define (\w+) (\S+)", made.text))
    assert defined["NET_FLASH_BYTES"] == str(made.flash_bytes)
    assert defined["NET_RAM_BYTES"] == str(made.ram_bytes)
    assert (defined["NET_INPUT_LENGTH"], defined["NET_OUTPUT_LENGTH"]) == ("288", "5")
    assert float.fromhex(defined["NET_INPUT_SCALE"].removesuffix("f")) == source.scale
    assert defined["NET_INPUT_ZERO_POINT"] == f"({source.zero_point})"
    arrays = re.findall(r"static const (u?int\d+)_t \w+\[\] = \{([^}]*)\}", made.text.partition("#ifdef NET_TEST")[0])
    sizes = {"uint8": 1, "int32": 4}
    assert made.flash_bytes == sum(sizes[kind] * len(body.split(",")) for kind, body in arrays)
    assert made.text.isascii()


def test_names_of_layers_cannot_end_a_comment_or_begin_code():
    program = chain(1)
    evil = Requantization("*/ int x; /*\n#error", ("x",), "0", *quantized_multipliers([1.0]), (-128, 127))
    text = header(Program(program.tensors, (evil,), ("x",), ("0",)), "net", np.zeros((1, 10), np.int8)).text
    assert "/* ___int_x______error */" in text
    assert "#error" not in text


def test_several_outputs_are_refused():
    program = chain(1)
    both = Program(program.tensors, program.operations, ("x",), ("0", "y"))
    with pytest.raises(ConfigError, match=r"one input and one output\. Received: 1 and 2"):
        header(both, "net", np.zeros((1, 10), np.int8))
