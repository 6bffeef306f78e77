"""Tests of what a recipe says of each part."""

import pytest

from source.config.errors import ConfigError, UnknownNameError
from source.config.recipe.parts import Parts, parts_of
from source.config.recipe.yaml_text import read_yaml

WHOLE = """\
inputter: {name: digits, epochs: 2}
network: lenet5
modeler: image_classification_modeler
runner: {name: single_device_runner}
"""


def parts(more="", whole=WHOLE, **options):
    return parts_of(read_yaml(whole + more, "a.yaml"), **options)


def test_names_and_settings_of_each_part():
    found = parts(
        "callbacks: {train_basic: {}, train_loss: {log_every_n_iter: 5}, eval_loss: null, eval_basic: true}\n"
        "exporters: [packed]\ncompressor: null\nseed: 3\nname: x\nid: y"
    )
    assert found == Parts(
        names={
            "inputter": "digits",
            "network": "lenet5",
            "modeler": "image_classification_modeler",
            "runner": "single_device_runner",
            "callbacks": ["train_basic", "train_loss", "eval_basic"],
            "exporters": ["packed"],
        },
        own={
            "inputter": {"epochs": 2},
            "network": {},
            "modeler": {},
            "runner": {},
            "callbacks.train_basic": {},
            "callbacks.train_loss": {"log_every_n_iter": 5},
            "callbacks.eval_basic": {},
            "exporters.packed": {},
        },
        shared={"seed": 3},
    )


def test_parts_that_are_not_needed_may_be_missing():
    assert parts(whole="network: lenet5\n", needed=("network",)).names["network"] == "lenet5"
    with pytest.raises(
        ConfigError, match=r"^modeler: the recipe names none\. Add a file that does, or modeler=NAME\.$"
    ):
        parts(whole="inputter: digits\nnetwork: lenet5\n")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("augmenter: [x]", "a.yaml:5: augmenter: expected a name, or a mapping with `name`. Received: ['x']."),
        (
            "augmenter: {x: 1}",
            "a.yaml:5: augmenter.name: expected the name of a plugin; see `espalier list augmenter`.",
        ),
        ("augmenter: norm", "a.yaml:5: augmenter: `norm`: no plugin has this name. Did you mean `normalize`?"),
        (
            "augmenter: json.tool",
            "a.yaml:5: augmenter: `json.tool`: the module json.tool has no `build`, so it is no plugin.",
        ),
        (
            "augmenter: {name: no.normalise}",
            "a.yaml:5: augmenter: `no.normalise`: no such module can be imported. Did you mean `normalize`?",
        ),
        (
            "callbacks: {train_los: {}}",
            "a.yaml:5: callbacks.train_los: no plugin has this name. Did you mean `train_loss`?",
        ),
        ("callbacks: [[a]]", "a.yaml:5: callbacks: expected the name of a plugin. Received: ['a']."),
        ("callbacks: x", "a.yaml:5: callbacks: expected a mapping of names to settings. Received: 'x'."),
        (
            "callbacks: {train_loss: 3}",
            "a.yaml:5: callbacks.train_loss: expected a mapping of its settings, such as {}; null takes it away. "
            "Received: 3.",
        ),
        (
            "callbacks:\n  train_loss: {log_every: 3}",
            "a.yaml:6: callbacks.train_loss.log_every: unknown setting of `train_loss`. "
            "Did you mean `log_every_n_iter`?",
        ),
        ("seed: x", "a.yaml:5: seed: expected a whole number. Received: 'x'."),
        ("seeed: 1", "a.yaml:5: seeed: no part of this recipe has this setting. Did you mean `seed`?"),
        ("dropout: 1", "a.yaml:5: dropout: no part of this recipe has this setting. `lenet5` has it: network.dropout."),
        ("cache: nevr", "a.yaml:5: cache: expected 'auto' or 'never'. Received: 'nevr'. Did you mean `never`?"),
        (
            "recreate: 1",
            "a.yaml:5: recreate: expected true or false: whether a run of another recipe is put aside where this one "
            "is written. Received: 1.",
        ),
        (
            "id: [1]",
            "a.yaml:5: id: expected text or a whole number: folder of the run below `output_dir`; null makes one of "
            "the names of the recipe's files. Received: [1].",
        ),
    ],
)
def test_what_no_part_can_be_told_is_refused(more, message):
    with pytest.raises((ConfigError, UnknownNameError)) as caught:
        parts(more)
    assert str(caught.value) == message


def test_a_part_of_somebody_else_may_have_any_setting(tmp_path, monkeypatch):
    (tmp_path / "mylab_nets").mkdir()
    (tmp_path / "mylab_nets" / "data.py").write_text("raise SystemExit('run')\ndef build(config): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = parts("depth: 3", whole=WHOLE.replace("digits, epochs: 2", "mylab_nets.data, what: ever"))
    assert found.own["inputter"] == {"what": "ever"}
    assert found.shared == {"depth": 3}
