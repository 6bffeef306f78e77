"""Tests of finding modules without running them."""

import importlib.util
import sys

import pytest

from source.config.module_spec import module_spec


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A package that stops everything when it is run, and one of folders alone."""
    (tmp_path / "strict" / "inner").mkdir(parents=True)
    for file in ("strict/__init__.py", "strict/inner/__init__.py", "strict/inner/net.py"):
        (tmp_path / file).write_text("raise SystemExit('run')\n")
    (tmp_path / "loose" / "a" / "b").mkdir(parents=True)
    (tmp_path / "loose" / "a" / "b" / "net.py").write_text("raise SystemExit('run')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["strict.inner.net", "loose.a.b.net"])
def test_a_module_is_found_and_nothing_runs(folder, name):
    assert module_spec(name).origin == str(folder.joinpath(*name.split(".")).with_suffix(".py"))
    assert not {"strict", "loose"} & set(sys.modules)


@pytest.mark.parametrize("name", ["strict.outer.net", "strict.inner.net.more", "json.no", "no_such.x", "__main__.x"])
def test_what_is_not_there_is_none(folder, name):
    assert module_spec(name) is None


@pytest.mark.parametrize("name", ["", ".", "a..b", "json.", "json.to\0ol", "json.\ud800", "../strict", "strict/inner"])
def test_what_is_no_name_is_none(folder, name):
    assert module_spec(name) is None


def test_modules_that_are_loaded_and_shipped_ones_are_found():
    assert module_spec("source.config.module_spec").origin == module_spec.__code__.co_filename
    assert module_spec("json.tool").origin == importlib.util.find_spec("json.tool").origin
