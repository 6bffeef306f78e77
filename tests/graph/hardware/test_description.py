"""Tests of descriptions of hardware: shipped ones, files, and what a measurement makes of times."""

import pytest

from source.config.errors import ConfigError, UnknownNameError
from source.graph.hardware import description
from source.graph.hardware.description import Hardware, hardware


@pytest.mark.parametrize(
    ("name", "peak", "bandwidth"),
    [
        ("K80", 8740e9, 480e9),
        ("P4", 5500e9, 192e9),
        ("T4", 8100e9, 300e9),
        ("p100", 9300e9, 732e9),
        ("V100", 125e12, 900e9),
    ],
)
def test_shipped_devices_are_those_of_their_data_sheets(name, peak, bandwidth):
    assert hardware(name) == Hardware(name=name.upper(), peak_flops=peak, bandwidth=bandwidth)


def test_all_files_of_the_package_are_shipped_names():
    assert description.shipped() == ["k80", "p100", "p4", "t4", "v100"]


def test_a_description_stays_as_it_is():
    mine = Hardware(name="mine", peak_flops=1.0, bandwidth=2.0)
    assert hardware(mine) is mine


def test_a_file_is_read(tmp_path):
    file = tmp_path / "board.yaml"
    file.write_text("name: board\npeak_flops: 4.0e9\nbandwidth: 1.5e9\n")
    assert hardware(str(file)) == Hardware(name="board", peak_flops=4e9, bandwidth=1.5e9)


def test_a_measurement_is_the_fastest_of_five(monkeypatch):
    monkeypatch.setattr(description, "_SIDE", 10)
    monkeypatch.setattr(description, "_BYTES", 1000)
    ticks = iter([0.0, 4.0, 10.0, 12.0, 20.0, 23.0, 30.0, 33.0, 40.0, 43.0] * 2)
    assert description.measured(clock=lambda: next(ticks)) == Hardware(
        name="this_cpu", peak_flops=2.0 * 10**3 / 2.0, bandwidth=2.0 * 1000 / 2.0
    )


def test_this_cpu_is_measured():
    found = hardware("this_cpu")
    assert found.name == "this_cpu" and found.peak_flops > 0 and found.bandwidth > 0


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"hardware: `v10` is not known. Did you mean `v100`\? Expected k80, "):
        hardware("v10")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\npeak_flops: 0\nbandwidth: 1\n", r"`peak_flops` must be positive. Received: peak_flops=0.0."),
        ("name: x\npeak_flops: 1\nbandwidth: -1\n", r"`bandwidth` must be positive. Received: bandwidth=-1.0."),
        ("name: x\npeak_flop: 1\nbandwidth: 1\n", r"board.yaml.peak_flops: Field required"),
        ("- 1\n", r"expected a mapping of settings. Received: \[1\]."),
        ("name: [", r"cannot be read as YAML"),
        ("!!python/object/apply:os.system [exit]", r"cannot be read as YAML"),
    ],
)
def test_files_that_describe_nothing_are_refused(tmp_path, text, message):
    (tmp_path / "board.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        hardware(str(tmp_path / "board.yaml"))


def test_a_missing_file_is_named():
    with pytest.raises(ConfigError, match=r"hardware: `nowhere.yaml` cannot be read as YAML"):
        hardware("nowhere.yaml")
