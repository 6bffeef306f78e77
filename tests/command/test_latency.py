"""Tests of `espalier latency`."""

import json

import keras
import numpy as np
import pytest

from source.command.main import main


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("latency")
    for name, units in (("small", 2), ("large", 3)):
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)]).save(place / f"{name}.keras")
    np.save(place / "x.npy", np.zeros((5, 4), np.float32))
    return place


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


def test_a_file_is_measured(capsys):
    assert main(["latency", "small.keras", "--runs=4", "--warm_up=1", "--examples=x.npy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "---- measure latency result ----",
        "total number of execution (number of samples): 4",
        "network: small.keras (Keras)",
    ]
    assert lines[-1] == "---- measure latency result ----"


def test_several_files_are_compared_with_the_first(capsys, monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "2")  # put back after the test
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "1")
    assert main(["latency", "large.keras", "small.keras", "--runs=3", "--threads=1", "--batch=2"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("threads: 1") == 2 and printed.count("batch size: 2") == 2
    lines = printed.splitlines()[-3:]
    assert lines[:2] == ["p50 over that of large.keras, runs in turns:", "large.keras: 1.0000"]
    assert lines[2].startswith("small.keras: ")


def test_json_alone_is_printed(capsys):
    assert main(["latency", "small.keras", "--runs=3", "--json"]) == 0
    [values] = json.loads(capsys.readouterr().out)
    assert (values["name"], len(values["network"]["seconds"]), values["p50_ratio"]) == ("small.keras", 3, 1.0)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["smal.keras"], "smal.keras: there is no such file."),
        (["x.npy"], "x.npy: expected a file of kind "),
        (["small.keras", "--runs=0"], "`runs` must be at least 1. Received: runs=0."),
        (["small.keras", "--threads=0"], "--threads: expected at least 1. Received: 0."),
        (["small.keras", "--examples=y.npy"], "y.npy: there is no such file."),
        (["small.keras", "--run=3"], "unknown option `--run`. Did you mean `--runs`?"),
    ],
)
def test_mistakes_are_one_line(capsys, arguments, line):
    assert main(["latency", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"espalier: {line}")
    assert printed.err.count("\n") == 1
