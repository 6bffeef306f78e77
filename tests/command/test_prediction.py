"""Tests of predictions as JSON, CSV and text."""

import datetime
import json

import pytest

from source.command.prediction import Prediction, rendered

TWO = [Prediction("a.png", (0.25, 0.75)), Prediction("longer.png", (0.5, 0.5))]


def test_json_is_the_envelope_with_numbers_for_every_class():
    found = json.loads(rendered(TWO, "json", ("ant", "bee"), "probability"))
    assert datetime.datetime.fromisoformat(found.pop("date")).tzinfo is not None
    ant, bee = {"id": 0, "name": "ant"}, {"id": 1, "name": "bee"}
    assert found == {
        "benchmark": {},
        "classes": [ant, bee],
        "results": [
            {
                "file_path": "a.png",
                "prediction": [{"class": ant, "probability": 0.25}, {"class": bee, "probability": 0.75}],
            },
            {
                "file_path": "longer.png",
                "prediction": [{"class": ant, "probability": 0.5}, {"class": bee, "probability": 0.5}],
            },
        ],
        "task": "IMAGE.CLASSIFICATION",
        "version": 0.2,
    }


def test_examples_of_a_file_have_an_index_and_classes_without_a_name_their_number():
    found = json.loads(rendered([Prediction("x.npy", (1.0, float("nan")), 3)], "json", (), "score"))
    [result] = found["results"]
    assert (result["file_path"], result["index"]) == ("x.npy", 3)
    assert [each["score"] for each in result["prediction"]] == [1.0, None]
    assert [each["name"] for each in found["classes"]] == ["0", "1"]


def test_csv_has_a_row_for_each_with_its_best_class():
    assert rendered(TWO, "csv", ("ant", "b,e"), "probability") == (
        'file_path,class_id,class_name,probability\na.png,1,"b,e",0.75\nlonger.png,0,ant,0.5\n'
    )
    assert rendered([Prediction("x.npy", (0.0, 2.0), 7)], "csv", (), "score") == (
        "file_path,index,class_id,class_name,score\nx.npy,7,1,1,2.0\n"
    )


def test_text_is_a_table():
    assert rendered(TWO, "text", ("ant", "bee"), "probability") == (
        "a.png       bee  0.7500\nlonger.png  ant  0.5000\n"
    )
    assert rendered([Prediction("x.npy", (1.0,), 0)], "text", (), "score") == "x.npy[0]  0  1.0000\n"


@pytest.mark.parametrize(("form", "lines"), [("json", 8), ("csv", 1), ("text", 0)])
def test_nothing_predicted_is_no_mistake(form, lines):
    assert rendered([], form, (), "score").count("\n") == lines
