import dataclasses
import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source.config.config import CallbackConfig, Config, Names, Numbers, require
from source.config.errors import ConfigError
from source.config.image_classification_config import ImageClassificationCallbackConfig
from source.config.settings import adopt, check_types, from_mapping, settings, to_mapping


@settings
class Tree:
    """A tree."""

    height: float = 1.0
    branches: int = 3
    kind: Literal["apple", "pear"] = "apple"
    planted: bool = True
    label: str = ""
    limit: int | None = None
    cuts: Numbers = ()
    names: Names = ()
    notes: dict[str, Any] = dataclasses.field(default_factory=dict)
    either: Numbers | str = ()

    def __post_init__(self) -> None:
        require(self.height > 0, "height", "positive", self.height)


@settings
class Espalier(Tree):
    """A tree along a frame."""

    wires: int = 4


@settings
class Bush(Tree):
    """A sibling."""

    thorns: int = 0


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Tree().height = 2.0


def test_settings_are_equal_by_value_and_say_what_they_are():
    assert Tree(height=2.0) == Tree(height=2.0) != Tree()
    assert repr(Tree()).startswith("Tree(height=1.0, branches=3, ")


def test_settings_can_be_replaced_and_are_checked_again():
    assert dataclasses.replace(Espalier(), height=2.0) == Espalier(height=2.0)
    with pytest.raises(ConfigError, match="`height` must be positive"):
        dataclasses.replace(Espalier(), height=-2.0)


def test_mutable_defaults_are_not_shared():
    Tree().notes["a"] = 1
    assert Tree().notes == {}


def test_text_becomes_the_annotated_type():
    tree = Tree(height="2.5", branches="4", planted="no", limit="7", cuts="1, 2.5", names="a,b , ")
    assert (tree.height, tree.branches, tree.planted, tree.limit) == (2.5, 4, False, 7)
    assert (tree.cuts, tree.names) == ((1.0, 2.5), ("a", "b"))


def test_numbers_become_text_where_text_is_wanted():
    assert Tree(label=2).label == "2"
    assert Tree(names=[1, "b"]).names == ("1", "b")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"height": "tall"}, "height: expected a number. Received: 'tall'."),
        ({"height": None}, "height: expected a number. Received: None."),
        ({"height": float("nan")}, "height: expected a finite number. Received: nan."),
        ({"height": "inf"}, "height: expected a finite number. Received: 'inf'."),
        ({"branches": "x"}, "branches: expected a whole number. Received: 'x'."),
        ({"branches": 1.5}, "branches: expected a whole number. Received: 1.5."),
        ({"limit": "none"}, "limit: expected a whole number. Received: 'none'."),
        ({"planted": "perhaps"}, "planted: expected true or false. Received: 'perhaps'."),
        ({"planted": []}, "planted: expected true or false. Received: []."),
        ({"label": []}, "label: expected text. Received: []."),
        ({"notes": [1]}, "notes: expected a mapping. Received: [1]."),
        ({"cuts": {"a": 1}}, "cuts: expected a list. Received: {'a': 1}."),
        ({"cuts": "1,x"}, "cuts.1: expected a number. Received: 'x'."),
        ({"names": ["a", []]}, "names.1: expected text. Received: []."),
        ({"either": {}}, "either: expected a list. Received: {}."),
        ({"either": [1, "x"]}, "either.1: expected a number. Received: 'x'."),
        ({"kind": "aple"}, "kind: expected 'apple' or 'pear'. Received: 'aple'. Did you mean `apple`?"),
        ({"kind": "zzz"}, "kind: expected 'apple' or 'pear'. Received: 'zzz'."),
        ({"kind": 3}, "kind: expected 'apple' or 'pear'. Received: 3."),
        ({"heigth": 1.0}, "heigth: unknown setting. Did you mean `height`?"),
        ({"height": -3}, "Tree: `height` must be positive. Received: height=-3.0."),
        (
            {"height": "x", "branches": "y"},
            "height: expected a number. Received: 'x'. (1 more fault in Tree.)",
        ),
        (
            {"height": "x", "branches": "y", "colour": 1},
            "height: expected a number. Received: 'x'. (2 more faults in Tree.)",
        ),
    ],
)
def test_a_fault_is_told_with_its_path_and_what_was_expected(fields, message):
    with pytest.raises(ConfigError) as caught:
        Tree(**fields)
    assert str(caught.value) == message
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    with pytest.raises(ConfigError) as caught:
        from_mapping(Tree, fields)
    assert str(caught.value) == message.removeprefix("Tree: ")


def test_types_are_checked_without_what_other_defaults_would_change():
    check_types(Tree, {"branches": "4", "height": -3})
    with pytest.raises(ConfigError, match=r"^garden.branches: expected a whole number. Received: 'x'.$"):
        check_types(Tree, {"branches": "x", "height": -3}, "garden")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"height": "tall"}, "garden.tree.height: expected a number. Received: 'tall'."),
        ({"cuts": ["x"]}, "garden.tree.cuts.0: expected a number. Received: 'x'."),
        ({"heigth": 1.0}, "garden.tree.heigth: unknown setting. Did you mean `height`?"),
        ({"height": 0}, "garden.tree: `height` must be positive. Received: height=0.0."),
        ({3: 0}, "garden.tree.3: Keys should be strings. Received: 3."),
    ],
)
def test_the_path_in_a_larger_configuration_comes_first(fields, message):
    with pytest.raises(ConfigError) as caught:
        from_mapping(Tree, fields, "garden.tree")
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [[], "height=2", None, 3])
def test_only_a_mapping_makes_a_configuration(value):
    with pytest.raises(ConfigError) as caught:
        from_mapping(Tree, value, "tree")
    assert str(caught.value) == f"tree: expected a mapping of settings. Received: {value!r}."
    with pytest.raises(ConfigError, match=r"^Tree: expected a mapping of settings\."):
        from_mapping(Tree, value)


def test_a_configuration_by_position_gives_the_defaults_and_is_not_changed():
    tree = Tree(height=2.0, branches=5)
    espalier = Espalier(tree, branches=7, wires=2)
    assert (espalier.height, espalier.branches, espalier.wires) == (2.0, 7, 2)
    assert tree == Tree(height=2.0, branches=5)


def test_a_wider_configuration_gives_what_is_known_if_nothing_set_is_lost():
    assert Tree(Espalier(height=2.0)) == Tree(height=2.0)
    with pytest.raises(ConfigError) as caught:
        Tree(Espalier(wires=2))
    assert str(caught.value) == (
        "Tree: no field `wires`, which the given Espalier sets to 2. "
        "Known: branches, cuts, either, height, kind, label, limit, names, notes, planted."
    )


@pytest.mark.parametrize("value", [3, "tree", Tree, {"height": 2.0}])
def test_only_a_configuration_stands_by_position(value):
    with pytest.raises(ConfigError) as caught:
        Tree(value)
    assert str(caught.value) == (
        f"Tree: the first argument must be a configuration; give all others by name. Received: {value!r}."
    )


def test_more_than_one_argument_by_position_is_pythons_own_error():
    with pytest.raises(TypeError, match="positional arguments"):
        Tree(Tree(), Tree())


def test_adopt_takes_what_it_is_given():
    espalier = Espalier(wires=2)
    assert adopt(Espalier, espalier) is espalier
    assert adopt(Tree, espalier) is espalier
    assert adopt(Espalier, Tree(height=2.0)) == Espalier(height=2.0)
    assert adopt(Espalier, Bush(height=2.0)) == Espalier(height=2.0)


def test_adopt_refuses_to_lose_the_setting_of_another_plugin():
    message = r"^Espalier: no field `thorns`, which the given Bush sets to 3\. "
    with pytest.raises(ConfigError, match=message):
        adopt(Espalier, Bush(thorns=3))


def test_adopt_leaves_out_what_a_task_knows_and_a_plugin_has_no_use_for():
    @settings
    class Plugin(CallbackConfig):
        patience: int = 3

    task = ImageClassificationCallbackConfig(class_names="cat,dog", seed=7)
    assert adopt(Plugin, task) == Plugin(seed=7)


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "height": st.floats(min_value=1e-300, max_value=1e300),
        "branches": st.integers(),
        "kind": st.sampled_from(["apple", "pear"]),
        "planted": st.booleans(),
        "label": st.text(),
        "limit": st.none() | st.integers(),
        "cuts": st.lists(st.floats(allow_nan=False, allow_infinity=False)).map(tuple),
        "names": st.lists(st.text()).map(tuple),
        "notes": st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.booleans())),
        "either": st.lists(st.floats(-1e9, 1e9)).map(tuple) | st.text(),
    },
)


@given(FIELDS)
def test_a_configuration_comes_back_from_its_mapping(fields):
    tree = Tree(**fields)
    mapping = to_mapping(tree)
    assert from_mapping(Tree, mapping) == tree
    assert from_mapping(Tree, json.loads(json.dumps(mapping))) == tree


def test_a_mapping_holds_plain_values():
    mapping = to_mapping(Config(mode="eval", seed=3))
    assert mapping == {"mode": "evaluate", "batch_size_per_gpu": 64, "gpu_count": None, "seed": 3}
