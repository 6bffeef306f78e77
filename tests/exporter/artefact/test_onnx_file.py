"""Tests that ONNX files of anybody are opened, fed by name and run."""

import builtins

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from source.config.errors import DataError, MissingDependencyError
from source.exporter.artefact.onnx_file import open_file
from source.exporter.artefact.open_artefact import open_artefact


@pytest.fixture
def difference(tmp_path):
    """Returns a file that answers (left - right, 2 * right), of inputs with two types."""
    inputs = [
        helper.make_tensor_value_info("left", TensorProto.FLOAT, ("batch", 3)),
        helper.make_tensor_value_info("right", TensorProto.INT32, ("batch", 3)),
    ]
    outputs = [
        helper.make_tensor_value_info("less", TensorProto.FLOAT, ("batch", 3)),
        helper.make_tensor_value_info("twice", TensorProto.INT32, ("batch", 3)),
    ]
    nodes = [
        helper.make_node("Add", ["right", "right"], ["twice"]),
        helper.make_node("Cast", ["right"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["left", "number"], ["less"]),
    ]
    graph = helper.make_graph(nodes, "difference", inputs, outputs)
    path = tmp_path / "difference.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def test_inputs_and_outputs_are_known_in_the_order_of_the_graph(difference):
    artefact = open_artefact(difference, threads=1)
    assert artefact.kind == "ONNX"
    assert artefact.input_specs == [((None, 3), "float32"), ((None, 3), "int32")]
    assert artefact.input_names == ["left", "right"] and artefact.output_names == ["less", "twice"]


def test_it_is_run_with_inputs_of_any_type(difference):
    left, right = [[5.0, 6.0, 7.0]], [[1.0, 2.0, 3.0]]
    less, twice = open_artefact(difference).run([np.array(left), np.array(right)])
    assert less.tolist() == [[4.0, 4.0, 4.0]] and less.dtype == np.float32
    assert twice.tolist() == [[2, 4, 6]] and twice.dtype == np.int32


def test_threads_are_those_asked_for(difference):
    options = open_file(difference, 2).session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (2, 1)


def test_inputs_that_do_not_fit_are_refused(difference):
    with pytest.raises(DataError, match=r"expected 2 inputs\. Received: 1\."):
        open_artefact(difference).run([np.zeros((1, 3))])
    with pytest.raises(DataError, match=r"input 1 has shape \(None, 3\)\. Received: \(1, 4\)\."):
        open_artefact(difference).run([np.zeros((1, 3)), np.zeros((1, 4))])


def test_a_broken_file_is_refused(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(DataError, match=r"broken\.onnx: onnxruntime cannot load this file: "):
        open_artefact(path)


def test_a_missing_runtime_is_named_with_what_installs_it(difference, monkeypatch):
    there = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "onnxruntime":
            raise ModuleNotFoundError(name)
        return there(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        MissingDependencyError, match=r"needs the package `onnxruntime`, .*pip install 'espalier\[export\]'"
    ):
        open_file(difference, None)
