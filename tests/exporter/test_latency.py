"""Tests of timing files, with a clock that the file itself moves."""

import itertools
import json
import pathlib

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError, DataError
from source.exporter._machine import machine
from source.exporter.artefact.artefact import Artefact
from source.exporter.artefact.open_artefact import open_artefact
from source.exporter.latency import Times, alternate, measure

REPORT = """\
---- measure latency result ----
total number of execution (number of samples): 4
network: fake.tflite (Fake)
image size: [8, 6]
batch size: 1
threads: 2
runs to warm up: 1
devices: ['{machine}']

* overall (include pre-post-process which execute on cpu)
total time: 28.0000 msec
latency
   mean (SD=standard deviation): 7.0000 (SD=1.1180) msec, min: 5.5000 msec, max: 8.5000 msec
   p50: 7.0000 msec, p90: 8.2000 msec
FPS
   mean (SD=standard deviation): 146.6612 (SD=24.0161), min: 117.6471, max: 181.8182

* network only (exclude pre-post-process):
total time: 14.0000 msec
latency
   mean (SD=standard deviation): 3.5000 (SD=1.1180) msec, min: 2.0000 msec, max: 5.0000 msec
   p50: 3.5000 msec, p90: 4.7000 msec
FPS
   mean (SD=standard deviation): 320.8333 (SD=113.8804), min: 200.0000, max: 500.0000
---- measure latency result ----
"""


class Clock:
    """Stands still unless it is moved."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def move(self, milliseconds):
        self.now += milliseconds / 1000


class Fake(Artefact):
    """Takes 1, 2, 3, ... milliseconds, one more each run, and notes who ran."""

    kind = "Fake"

    def __init__(self, clock, name="fake.tflite", log=None, shape=(None, 8, 6, 3)):
        super().__init__(pathlib.Path(name))
        self.clock, self.log, self.shape, self.inputs = clock, [] if log is None else log, shape, []

    @property
    def input_specs(self):
        return [(self.shape, "float32")]

    def run(self, inputs):
        self.log.append(self.path.name)
        self.inputs.append(inputs[0])
        self.clock.move(len(self.inputs))
        return [inputs[0]]


def test_statistics_are_those_of_the_single_runs():
    times = Times((0.001, 0.002, 0.003, 0.010), batch=2)
    assert times.total_ms == pytest.approx(16)  # a sum of floats
    assert times.latency_ms() == pytest.approx(
        {"mean": 4.0, "sd": 3.5355339, "min": 1.0, "p50": 2.5, "p90": 7.9, "max": 10.0}
    )
    # Speeds of single runs: 2000, 1000, 666.7 and 200 examples a second.
    assert times.fps()["mean"] == pytest.approx((2000 + 1000 + 2000 / 3 + 200) / 4)
    assert (times.fps()["min"], times.fps()["max"]) == pytest.approx((200, 2000))


def test_the_report_has_the_template_of_lmnet():
    clock = Clock()
    images = np.zeros((4, 8, 6, 3), np.float32)

    def preprocess(image):
        clock.move(2)
        return [image[np.newaxis]]

    measured = measure(
        *(Fake(clock), images),
        runs=4,
        warm_up=1,
        threads=2,
        preprocess=preprocess,
        decode=lambda _: clock.move(1.5),
        clock=clock,
    )
    assert measured.to_text() == REPORT.format(machine=machine())


def test_without_preprocessing_the_network_is_all_there_is():
    clock = Clock()
    measured = measure(Fake(clock), runs=2, warm_up=0, clock=clock)
    assert measured.overall is None
    assert measured.network.seconds == pytest.approx((0.001, 0.002))  # differences of a clock in floats
    text = measured.to_text()
    assert "overall" not in text and "threads: left to the runtime" in text


def test_warm_up_runs_do_not_count():
    clock = Clock()
    artefact = Fake(clock)
    measured = measure(artefact, runs=3, warm_up=2, clock=clock)
    assert len(artefact.inputs) == 5
    assert measured.network.latency_ms()["min"] == pytest.approx(3)


def test_examples_are_taken_in_turns_and_in_batches():
    clock = Clock()
    artefact = Fake(clock, shape=(None, 1))
    measured = measure(artefact, np.arange(5.0)[:, np.newaxis], runs=3, warm_up=0, batch=2, clock=clock)
    assert [each[:, 0].tolist() for each in artefact.inputs] == [[0, 1], [2, 3], [0, 1]]
    assert (measured.network.batch, measured.input_shapes) == (2, ((2, 1),))


def test_files_are_run_in_turns_of_two_runs_in_drawn_order():
    clock, log = Clock(), []
    files = [Fake(clock, name, log) for name in "abc"]
    measured = alternate(files, rounds=40, warm_up=1, clock=clock)
    turns = ["".join(log[start : start + 6]) for start in range(0, len(log), 6)]
    assert len(turns) == 41
    assert {"".join(sorted(turn)) for turn in turns} == {"aabbcc"}
    assert set(turns) == {f"{x}{x}{y}{y}{z}{z}" for x, y, z in itertools.permutations("abc")}
    assert [each.name for each in measured] == list("abc")
    # The second run of each turn counts, but for that to warm up: the 4th, 6th, ... of each file.
    assert all(each.network.seconds == pytest.approx([n / 1000 for n in range(4, 83, 2)]) for each in measured)


def test_json_holds_every_run():
    clock = Clock()
    values = json.loads(measure(Fake(clock), runs=2, warm_up=0, clock=clock).to_json())
    assert values["network"]["seconds"] == pytest.approx([0.001, 0.002])
    assert (values["network"]["latency_ms"]["p50"], values["overall"]) == (pytest.approx(1.5), None)
    assert (values["kind"], values["input_shapes"], values["batch"]) == ("Fake", [[1, 8, 6, 3]], 1)


def test_a_keras_file_is_measured(tmp_path):
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.Dense(3)(inputs)).save(tmp_path / "model.keras")
    measured = measure(open_artefact(tmp_path / "model.keras"), runs=5, warm_up=1)
    assert (measured.name, measured.kind, len(measured.network.seconds)) == ("model.keras", "Keras", 5)
    assert min(measured.network.seconds) > 0


@pytest.mark.parametrize(("name", "least"), [("runs", 1), ("warm_up", 0), ("batch", 1)])
def test_counts_that_cannot_be_are_refused(name, least):
    with pytest.raises(ConfigError, match=rf"`{name}` must be at least {least}. Received: {name}={least - 1}\."):
        measure(Fake(Clock()), **{name: least - 1})


def test_examples_that_do_not_do_are_refused():
    images = np.zeros((2, 8, 6, 3), np.float32)
    with pytest.raises(DataError, match="input 0 has shape"):
        measure(Fake(Clock()), np.zeros((2, 8, 7, 3), np.float32))
    with pytest.raises(DataError, match=r"expected at least 3 examples\. Received: 2\."):
        measure(Fake(Clock()), images, batch=3)
    with pytest.raises(DataError, match="`preprocess` needs examples"):
        measure(Fake(Clock()), preprocess=lambda image: [image])
