"""Tests of `espalier env`."""

import argparse
import importlib.metadata
import sys

import source
from source.command import show_environment


def test_versions_and_devices_are_printed(monkeypatch, capsys):
    monkeypatch.setattr(show_environment, "devices", lambda: ["CPU:0", "GPU:0 (Model X)"])
    assert show_environment.run(argparse.Namespace()) == 0
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert rows["espalier"] == source.__version__
    assert rows["keras"] == importlib.metadata.version("keras")
    assert rows["devices"] == "CPU:0, GPU:0 (Model X)"


def test_the_first_distribution_that_is_installed_is_named():
    keras = importlib.metadata.version("keras")
    assert show_environment.version(("keras", "no-such-package")) == keras
    assert show_environment.version(("no-such-package", "keras")) == f"{keras} (keras)"
    assert show_environment.version(("no-such-package",)) == "not installed"


def test_every_machine_has_a_first_processor():
    assert "CPU:0" in show_environment.devices()


def test_a_missing_tensorflow_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    assert show_environment.devices() == ["unknown: TensorFlow cannot be imported"]
