"""Tests of programs: what is refused, how they run, and how large accumulators become."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.integer.elementwise import Requantization, Reshaping
from source.exporter.integer.products import Dense
from source.exporter.integer.program import Accumulator, Program, accumulators, run, trace
from source.exporter.integer.requantization import quantized_multipliers
from source.exporter.integer.tensor import Codes

X = Codes("x", (2,), -128, 127, 1.0, -128)
H = Codes("h", (3,), -128, 127, 1.0, 0)
Y = Codes("y", (3, 1), -128, 127, 1.0, 0)


def program(largest=127, **changes):
    weights = np.array([[1, -largest, 0], [2, -largest, 0]], np.int8)
    layer = Dense(
        "layer", ("x",), "h", *quantized_multipliers([0.5] * 3), (-128, 127), weights, np.array([0, 0, 7], np.int32),
        np.zeros(3, np.int32),
    )  # fmt: skip
    whole = Program({"x": X, "h": H, "y": Y}, (layer, Reshaping("shape", ("h",), "y")), ("x",), ("y",))
    return dataclasses.replace(whole, **changes)


def test_a_program_runs_in_parts_of_a_batch():
    made = program()
    made.check()
    codes = np.array([[-128, -127], [-126, -100], [0, 0], [127, 127], [5, 6]], np.int8)
    [expected] = run(made, [codes])
    assert expected[0].ravel().tolist() == [1, -63, 4]  # 2 / 2; -63.5, a tie, goes upwards; 7 / 2, too
    assert expected.dtype == np.int8
    assert np.array_equal(run(made, [codes], batch=2)[0], expected)
    assert run(made, [codes[:0]])[0].shape == (0, 3, 1)
    assert set(trace(made, [codes])) == {"x", "h", "y"}


def test_accumulators_are_bounded_by_the_codes_that_there_are():
    # The second channel alone is large: 255 * 127 * 2.
    assert accumulators(program()) == [Accumulator("layer", 64770, 17)]


def test_codes_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="x: expected integers"):
        run(program(), [np.zeros((1, 3), np.int8)])


def test_an_accumulator_that_may_overflow_is_refused():
    wide = program()
    heavy = dataclasses.replace(wide.operations[0], headroom=np.full(3, 16, np.int32))
    with pytest.raises(DataError, match=r"layer: the accumulator may reach 4244766720, and int32 ends at 2147483647"):
        dataclasses.replace(wide, operations=(heavy, wide.operations[1])).check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rounding": "up"}, r"rounding: expected one of .*Received: 'up'"),
        ({"inputs": ("z",)}, "inputs: expected names of tensors"),
        ({"inputs": ()}, "inputs: expected names of tensors"),
        ({"outputs": ("z",)}, r"outputs: no operation makes \['z'\]"),
        ({"operations": program().operations[1:]}, r"shape: expected to make one new tensor .*Missing: \{'h'\}"),
        ({"operations": program().operations * 2}, "layer: expected to make one new tensor"),
        ({"tensors": {"x": X, "h": dataclasses.replace(H, shape=(4,)), "y": Y}}, r"layer: makes shape \(3,\)"),
        (
            {"tensors": {"x": dataclasses.replace(X, shape=(1 << 15, 1 << 15)), "h": H, "y": Y}},
            "at most 2\\^28 numbers",
        ),
    ],
)
def test_programs_that_cannot_be_run_are_refused(changes, message):
    program().check()
    with pytest.raises(DataError, match=message):
        program(**changes).check()


def test_an_operation_that_its_input_does_not_fit_is_refused():
    bad = Requantization("r", ("x",), "y", *quantized_multipliers([0.5, 0.5, 0.5]), (-128, 127))
    with pytest.raises(DataError, match="r: expected one factor"):
        Program({"x": X, "y": Y}, (bad,), ("x",), ("y",)).check()


def test_the_executor_needs_numpy_alone():
    names = ["program", "program_file", "requantization", "products", "pooling", "elementwise", "tensor"]
    imports = "; ".join(f"import source.exporter.integer.{name}" for name in names)
    heavy = "{'keras', 'tensorflow', 'ai_edge_litert', 'onnxruntime', 'scipy', 'pydantic'} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; print(sorted({heavy}))"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"
