"""Tests of the table of commands."""

import pytest

from source.command import commands


@pytest.mark.parametrize("name", commands.names())
def test_a_summary_is_read_as_the_module_has_it(name):
    module = commands.module_of(name)
    assert commands.summary_of(name) == module.SUMMARY != ""
    assert callable(module.run) and callable(module.add_arguments)


def test_a_module_that_says_nothing_has_an_empty_summary(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    assert commands.summary_in(tmp_path / "a.py") == ""


def test_a_long_summary_may_go_over_lines(tmp_path):
    (tmp_path / "a.py").write_text('SUMMARY = (\n    "one "\n    "two"\n)\n')
    assert commands.summary_in(tmp_path / "a.py") == "one two"
