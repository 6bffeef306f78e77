"""Tests of imports whose native code is talkative."""

import sys

import pytest

from source.command.quiet import import_quietly

NOTE = "I0000 00:00 port.cc:153] oneDNN custom operations are on. You may see slightly different results"


@pytest.fixture
def talkative(tmp_path, monkeypatch):
    """A function that writes a module which prints below Python, and may then fail."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, *lines, after=""):
        text = "\\n".join([*lines, ""])
        (tmp_path / f"{name}.py").write_text(f'import os\nos.write(2, b"{text}")\n{after}\n')
        monkeypatch.delitem(sys.modules, name, raising=False)

    return write


def test_notes_are_left_out_and_the_rest_is_passed_on(talkative, capfd):
    talkative("quiet_a", "WARNING: All log messages before absl::InitializeLog() is called", NOTE, "no GPU was found")
    assert import_quietly("quiet_a") is sys.modules["quiet_a"]
    assert capfd.readouterr().err == "no GPU was found\n"


def test_an_import_that_fails_keeps_its_words(talkative, capfd):
    talkative("quiet_b", "cannot open lib.so", after="raise RuntimeError('failed')")
    with pytest.raises(RuntimeError, match="failed"):
        import_quietly("quiet_b")
    assert capfd.readouterr().err == "cannot open lib.so\n"


def test_a_module_that_is_loaded_is_returned():
    assert import_quietly("sys") is sys
