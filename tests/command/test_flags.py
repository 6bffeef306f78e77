"""Tests of flags as values by name."""

import pytest

from source.command.flags import Flags, parse_flags
from source.command.parser import UsageError


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ([], {}),
        (["--epochs=3"], {"epochs": "3"}),
        (["--epochs", "3"], {"epochs": "3"}),
        (["--epochs="], {"epochs": ""}),
        (["--epochs", ""], {"epochs": ""}),
        (["--shift", "-0.5"], {"shift": "-0.5"}),
        (["--shift=-1e-3"], {"shift": "-1e-3"}),
        (["--url=a=b"], {"url": "a=b"}),
        (["--dry_run"], {"dry_run": True}),
        (["--dry_run", "--epochs", "3"], {"dry_run": True, "epochs": "3"}),
        (["--dry_run", "false"], {"dry_run": "false"}),
        (["--dry-run", "--batch-size-per-gpu=8"], {"dry_run": True, "batch_size_per_gpu": "8"}),
        (["--model_dir=a-b_c"], {"model_dir": "a-b_c"}),
        (["--epochs=3", "--epochs=4"], {"epochs": "4"}),
    ],
)
def test_flags_are_text_by_name(arguments, values):
    assert parse_flags(arguments) == Flags(values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("0.3", 0.3),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("False", False),
        ("null", None),
        ("none", "none"),
        ("007", 7.0),
        ("1_000", "1_000"),
        ("nan", "nan"),
        ("1,2", "1,2"),
        ("", ""),
    ],
)
def test_below_a_dot_numbers_and_truth_are_told_from_text(text, value):
    found = parse_flags([f"--options.x={text}"]).values["options"]["x"]
    assert found == value and type(found) is type(value)


def test_dots_make_mappings():
    arguments = [
        "--network_options.dropout=0.3",
        "--exporter-options.saved_model.overwrite",
        "--network_options.name",
        "x",
    ]
    assert parse_flags(arguments).values == {
        "network_options": {"dropout": 0.3, "name": "x"},
        "exporter_options": {"saved_model": {"overwrite": True}},
    }


def test_section_words_stand_anywhere_and_are_no_values():
    assert parse_flags(["--dry_run", "train_args", "--epochs=3", "eval_args"]) == Flags(
        {"dry_run": True, "epochs": "3"}, ("train_args", "eval_args")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["epochs"], "expected a flag such as --mode=train. Received: `epochs`."),
        (["-epochs=3"], "expected a flag such as --mode=train. Received: `-epochs=3`. Did you mean `--epochs=3`?"),
        (["--"], "expected a flag such as --mode=train. Received: `--`."),
        (["--=3"], "expected a flag such as --mode=train. Received: `--=3`."),
        (["--a..b=3"], "expected a flag such as --mode=train. Received: `--a..b=3`."),
        (["trian_args"], "expected a flag such as --mode=train. Received: `trian_args`. Did you mean `train_args`?"),
        (["--a=1", "--a.b=2"], "--a.b: --a has a value of its own already."),
        (["--a.b=1", "--a.b.c=2"], "--a.b.c: --a.b has a value of its own already."),
        (["--a.b=1", "--a=2"], "--a: takes settings with a dot, --a.name=value."),
    ],
)
def test_whatever_else_is_a_mistake(arguments, message):
    with pytest.raises(UsageError) as caught:
        parse_flags(arguments)
    assert str(caught.value) == message
