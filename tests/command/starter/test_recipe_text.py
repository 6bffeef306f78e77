"""Tests of the text of a first recipe."""

import yaml

from source.command.starter.choices import choose
from source.command.starter.found import Found, Shapes
from source.command.starter.recipe_text import recipe_text

SHAPES = Shapes(sizes=[(40, 60), (50, 30)], depth=3, broken=["p/a/x.png"])
FOUND = Found(
    inputter="image_classification_csv_inputter",
    train="list: 1.csv",
    evaluate="other.csv",
    classes=("a", "no"),
    counts={"a": (3, 1), "no": (2, 0)},
    shapes=SHAPES,
    settings={"delimiter": ";"},
    named=True,
)


def test_it_says_what_was_found_and_what_to_do():
    text = recipe_text("mine", "mine.yaml", FOUND, choose(FOUND), None, litert=True)
    lines = text.splitlines()
    assert lines[0] == "# 5 pictures of 2 classes in list: 1.csv, and 1 to evaluate on in other.csv"
    assert "#   a: 3 and 1 to evaluate on" in lines
    assert "# Their shorter sides have 30 to 40 pixels; they are in colour." in lines
    assert "# The first is p/a/x.png." in lines
    assert "# Train it:     espalier mine.yaml train evaluate" in lines
    assert "#     pretrained_model=runs/mine compress" in lines


def test_it_is_yaml_whatever_names_are_like():
    written = yaml.safe_load(recipe_text("mine", "mine.yaml", FOUND, choose(FOUND), None, litert=True))
    assert written["train_dataset_meta"] == "list: 1.csv"
    assert written["eval_dataset_meta"] == "other.csv"
    assert written["class_names"] == ["a", "no"]
    assert written["inputter"] == {"name": "image_classification_csv_inputter", "delimiter": ";"}
    assert written["num_classes"] == 2
    assert "exporters" not in written


def test_a_name_does_not_leave_its_comment():
    shapes = Shapes(sizes=[(8, 8)], depth=1)
    found = Found(
        inputter="x", train="p", classes=("a\nb: c", "d"), counts={"a\nb: c": (1, 0), "d": (1, 0)}, shapes=shapes
    )
    text = recipe_text("mine", "mine.yaml", found, choose(found), None, litert=True)
    assert "#   a?b: c: 1" in text.splitlines()
    assert "# All are 8 x 8 pixels, grey." in text.splitlines()
    assert "b" not in yaml.safe_load(text)


def test_many_classes_are_not_all_listed():
    counts = {str(number): (1, 0) for number in range(20)}
    found = Found(inputter="x", train="p", classes=tuple(counts), counts=counts, shapes=SHAPES)
    assert "#   ... and 8 more" in recipe_text("m", "m.yaml", found, choose(found), None, litert=True)


def test_a_shipped_network_is_the_base():
    chosen = choose(FOUND, network="mobilenet_v2", sized=True)
    written = yaml.safe_load(recipe_text("m", "m.yaml", FOUND, chosen, "network/mobilenet_v2.yaml", litert=False))
    assert written["_base"] == "network/mobilenet_v2.yaml"
    assert not {"network", "image_height"} & set(written)
    assert written["exporters"] == {"litert": None}
