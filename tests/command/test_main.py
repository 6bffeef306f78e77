"""Tests of the command `espalier`: exit codes, one-line mistakes, and how little it loads."""

import subprocess
import sys

import pytest

import source
from source.command import main


def test_version_is_printed(capsys):
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out == f"espalier {source.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["help"], ["-h"], ["--help"]])
def test_help_names_every_command(capsys, arguments):
    assert main.main(arguments) == 0
    printed = capsys.readouterr().out
    assert all(f"    {command} " in printed for command in ("list", "help", "env", "export", "predict"))


def test_help_of_a_command_is_its_own(capsys):
    assert main.main(["list", "--help"]) == 0
    assert "the plugins there are, found by listing folders" in capsys.readouterr().out


def test_list_lists(capsys):
    assert main.main(["list"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["lst"], "unknown command `lst`. Did you mean `list`?"),
        (["list", "netwrk"], "room `netwrk`: there is no such room. Did you mean `network`?"),
        (["--versoin"], "unknown option `--versoin`. Did you mean `--version`?"),
        (["list", "network", "more"], "one argument too many: `more`. See `espalier --help`."),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_code_2(capsys, arguments, line):
    assert main.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"espalier: {line}\n"


def test_a_lone_separator_is_a_mistake_too(capsys):
    assert main.main(["--"]) == 2  # Python versions differ in what argparse makes of it
    assert capsys.readouterr().err.count("\n") == 1


def test_the_module_runs_as_a_program():
    done = subprocess.run([sys.executable, "-m", "espalier", "lst"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "espalier: unknown command `lst`. Did you mean `list`?\n"


@pytest.mark.parametrize(("action", "kept"), [("list", "0"), ("predict", None)])
def test_actions_that_compute_keep_the_kernels_of_onednn(monkeypatch, capsys, action, kept):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    main.main([action, "--help"])
    assert main.os.environ.get("TF_ENABLE_ONEDNN_OPTS") == kept
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")  # so that it is undone
