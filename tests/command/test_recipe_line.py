"""Tests of command lines of files, settings and actions."""

import pytest

from source.command import recipe_line
from source.command.parser import UsageError
from source.config.errors import ConfigError, UnknownNameError

GOOD = ["data/digits.yaml", "network=lenet5"]


def test_actions_are_found_by_listing():
    assert {"train", "evaluate", "evaluate-all", "show", "export"} <= set(recipe_line.actions())
    assert not any("_" in name for name in recipe_line.actions())


@pytest.mark.parametrize("name", recipe_line.actions())
def test_every_action_runs_and_says_what_it_does(name):
    module = recipe_line.module_of(name)
    assert callable(module.run)
    assert recipe_line.summary_of(name) == module.SUMMARY != ""
    assert recipe_line.help_of(name).startswith(
        f"usage: espalier [FILE.yaml | key=value]... {name}\n\n{module.__doc__[:20]}"
    )


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a.yaml", True),
        ("a.yml", True),
        ("a=b", True),
        ("a.b = c", True),
        ("train", True),
        ("list", False),
        ("-x", False),
        ("a", False),
    ],
)
def test_words_of_recipes_are_told_from_commands(word, expected):
    assert recipe_line.is_recipe_word(word) is expected


def test_words_act_in_their_order(monkeypatch):
    seen = []
    monkeypatch.setattr("source.command.action.show.run", lambda session: seen.append(session.setting("seed")))
    assert recipe_line.run([*GOOD, "seed=1", "show", "seed=2", "show"]) == 0
    assert seen == [1, 2]


def test_a_setting_may_end_like_a_file(monkeypatch):
    seen = []
    monkeypatch.setattr("source.command.action.show.run", lambda session: seen.append(session.setting("test_samples")))
    recipe_line.run([*GOOD, "test_samples=a.yaml", "show"])
    assert seen == ["a.yaml"]


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (
            ["a.yaml", "trian"],
            UnknownNameError,
            "`trian`: expected FILE.yaml, key=value or an action. Did you mean `train`?",
        ),
        (
            ["a.yaml", "--seed=1"],
            UsageError,
            "`--seed=1`: recipes take no flags. Write key=value in the place of --key=value.",
        ),
        (["seed=1"], ConfigError, "inputter: the recipe names none. Add a file that does, or inputter=NAME."),
        (["network/lenet6.yaml", "show"], ConfigError, None),
    ],
)
def test_mistakes_are_told_before_anything_is_done(words, kind, message):
    with pytest.raises(kind) as caught:
        recipe_line.run(words)
    assert message is None or str(caught.value) == message


def test_a_recipe_without_action_is_checked_all_the_same():
    with pytest.raises(UsageError, match=r"^the recipe is right, but no action was named\. Add one: .*train.*\.$"):
        recipe_line.run(GOOD)


@pytest.mark.parametrize("words", [["train", "--help"], [*GOOD, "train", "-h"]])
def test_help_of_an_action(words, capsys):
    assert recipe_line.run(words) == 0
    assert capsys.readouterr().out == f"{recipe_line.help_of('train')}\n"


def test_help_without_an_action_shows_all(capsys):
    assert recipe_line.run([*GOOD, "--help"]) == 0
    assert capsys.readouterr().out == f"{recipe_line.overview()}\n"
    assert "    show " in recipe_line.overview()
