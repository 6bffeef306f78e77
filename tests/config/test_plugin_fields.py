"""Tests that what is read from the sources of plugins is what their configurations are."""

import dataclasses
import typing

import pytest

from source.config.errors import ConfigError, UnknownNameError
from source.config.plugin import ROOMS, available, resolve
from source.config.plugin_fields import Field, check_value, plugin_fields

PLUGINS = [(room, name) for room in ROOMS for name in available(room)]


@pytest.mark.parametrize(("room", "name"), PLUGINS, ids=lambda each: each)
def test_fields_are_those_of_the_loaded_configuration(room, name):
    config = getattr(resolve(room, name), "Config", None)
    known = plugin_fields(room, name)
    if config is None:
        assert known.fields == {} and known.config is None
        return
    assert known.config == f"{config.__module__}.{config.__qualname__}"
    fields = {field.name: field for field in dataclasses.fields(config)}
    assert set(known.fields) == set(fields)
    for field in known.fields.values():
        assert field.meaning, field.name
        assert field.default == default_of(fields[field.name], field.default), field.name


def default_of(field: dataclasses.Field, told: str | None) -> str | None:
    """Returns the default of a loaded field, as it was told where that is another way to write it."""
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return None
    real = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    return told if told is not None and same(told, real) else repr(real)


def same(text: str, value: object) -> bool:
    """Whether a text is a way to write a value; names of constants stand for anything."""
    import ast

    try:
        return ast.literal_eval(text) == value
    except ValueError:
        return True


@pytest.mark.parametrize(("room", "name"), PLUGINS, ids=lambda each: each)
def test_types_that_are_told_take_the_defaults(room, name):
    config = getattr(resolve(room, name), "Config", None)
    hints = {} if config is None else typing.get_type_hints(config, include_extras=True)
    for field in plugin_fields(room, name).fields.values():
        if field.hint is not typing.Any and field.hint is not dict:
            assert field.hint == hints[field.name], field.name


def test_one_plugin_is_read_whole():
    known = plugin_fields("network", "lenet5")
    assert known.summary.startswith("LeNet-5 in the form that compression papers prune")
    assert known.fields["dropout"] == Field(
        name="dropout",
        type="float",
        default="0.5",
        meaning="share of the flattened features dropped in training, from 0 to below 1.",
        owner="source.network.lenet5.Config",
        hint=float,
    )
    assert known.fields["num_classes"].owner == "source.config.config.NetworkConfig"


def test_a_plugin_that_does_not_exist_is_told():
    with pytest.raises(UnknownNameError, match=r"^network `lenet6`: no plugin has this name\. Did you mean `lenet5`"):
        plugin_fields("network", "lenet6")


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    (tmp_path / "other_lab").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name, text):
        (tmp_path / "other_lab" / f"{name}.py").write_text(text)

    return write


@pytest.mark.parametrize(
    "text",
    [
        "def build(config): ...",
        "build = print",
        "from x import build",
        "from x import *",
        "def __getattr__(name): ...",
        "this is no Python",
    ],
)
def test_a_plugin_of_somebody_else_is_not_known_and_not_run(foreign, text):
    name = f"plugin_{abs(hash(text))}"
    foreign(name, f"raise SystemExit\n{text}\n")
    assert plugin_fields("network", f"other_lab.{name}") is None


def test_a_module_without_build_is_no_plugin(foreign):
    foreign("tool", "raise SystemExit\ndef main(): ...\n")
    message = r"^network `other_lab\.tool`: the module other_lab\.tool has no `build`, so it is no plugin\.$"
    with pytest.raises(ConfigError, match=message):
        plugin_fields("network", "other_lab.tool")
    with pytest.raises(ConfigError, match="so it is no plugin"):
        plugin_fields("network", "source.command.main")


def test_ours_may_be_written_whole():
    assert plugin_fields("network", "source.network.lenet5") == plugin_fields("network", "lenet5")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("dropout", "x", "a: expected a number. Received: 'x'."),
        ("dropout", float("nan"), "a: expected a finite number. Received: nan."),
        ("num_classes", 1.5, "a: expected a whole number. Received: 1.5."),
        ("num_classes", None, "a: expected a whole number. Received: None."),
    ],
)
def test_values_of_another_type_are_refused(name, value, message):
    with pytest.raises(ConfigError) as caught:
        check_value(plugin_fields("network", "lenet5").fields[name], value, "a")
    assert str(caught.value) == message


def test_text_of_a_number_is_one():
    check_value(plugin_fields("network", "lenet5").fields["dropout"], "0.25", "a")
