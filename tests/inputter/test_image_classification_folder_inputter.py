"""Tests of folders of images: which files count, how classes are named, how splits are found."""

import shutil

import numpy as np
import pytest

from source.config.errors import ConfigError, DataError
from source.inputter import image_classification_folder_inputter as folder_inputter
from tests.inputter import _files


def build(root, **fields):
    fields = {
        "train_dataset_meta": str(root),
        "num_classes": 3,
        "image_height": 8,
        "image_width": 8,
        "batch_size_per_gpu": 4,
        **fields,
    }
    return folder_inputter.build(folder_inputter.Config(**fields))


def test_class_folders_are_labelled_in_sorted_order_at_any_depth(tmp_path):
    _files.write_folders(tmp_path, names=("cats", "ants", "bees"))
    inputter = build(tmp_path)
    assert inputter.class_names == ("ants", "bees", "cats")
    assert inputter.class_counts() == (8, 7, 8)
    assert not inputter.has_evaluation_data


def test_content_decides_what_a_file_is(tmp_path):
    pixels = _files.images(1)[0]
    for name, kind in (("a.jpg", "PNG"), ("b.PNG", "BMP"), ("c", "GIF"), ("d.txt", "WEBP")):
        (tmp_path / "ants").mkdir(exist_ok=True)
        (tmp_path / "ants" / name).write_bytes(
            _files.encoded(pixels, kind, **({"lossless": True} if kind == "WEBP" else {}))
        )
    batch = _files.take(build(tmp_path, num_classes=1), 1)[0]
    np.testing.assert_array_equal(batch["image"], np.repeat(pixels[np.newaxis], 4, axis=0))


def test_hidden_files_and_what_file_managers_leave_behind_do_not_count(tmp_path):
    _files.write_folders(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "readme.txt").write_text("beside the class folders")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", ".hidden.png"):
        (tmp_path / "ants" / name).write_text("no image")
    assert build(tmp_path).get_num_samples() == _files.COUNT


def test_any_other_file_is_an_example_that_must_decode(tmp_path):
    _files.write_folders(tmp_path)
    (tmp_path / "bees" / "notes.txt").write_text("no image")
    with pytest.raises(DataError, match=rf"{tmp_path}/bees/notes.txt: not an image: expected PNG"):
        build(tmp_path).input_fn()
    skipping = build(tmp_path, on_bad_example="skip")
    assert skipping.get_num_samples() == _files.COUNT
    assert [(bad.file, bad.row) for bad in skipping.skipped] == [(f"{tmp_path}/bees/notes.txt", None)]


@pytest.mark.parametrize("name", ["val", "valid", "validation", "eval", "test"])
def test_training_and_evaluation_folders_are_found(tmp_path, name):
    _files.write_folders(tmp_path / "train")
    _files.write_folders(tmp_path / name, 11)
    inputter = build(tmp_path)
    assert (inputter.get_num_samples(), inputter.get_num_samples("evaluate")) == (_files.COUNT, 11)
    alone = build(tmp_path, train_dataset_meta=(), eval_dataset_meta=str(tmp_path))
    assert (alone.get_num_samples(), alone.get_num_samples("evaluate")) == (0, 11)


def test_an_evaluation_folder_may_lack_a_class_of_training(tmp_path):
    _files.write_folders(tmp_path / "train")
    _files.write_folders(tmp_path / "val", 11)
    shutil.rmtree(tmp_path / "val/ants")
    assert build(tmp_path).class_counts("evaluate") == (0, 4, 3)
    _files.write_folders(tmp_path / "val", names=("bears", "bees", "cats"))
    with pytest.raises(DataError, match=r"val/bears: the folder is none of the classes. Did you mean `bees`"):
        build(tmp_path).get_num_samples()


def test_the_number_of_classes_must_be_that_of_the_folders(tmp_path):
    _files.write_folders(tmp_path)
    with pytest.raises(
        ConfigError, match=r"`num_classes` must be 3, .* \(ants, bees, cats\). Received: num_classes=10"
    ):
        build(tmp_path, num_classes=10).get_num_samples()


def test_given_names_decide_the_labels(tmp_path):
    _files.write_folders(tmp_path)
    inputter = build(tmp_path, num_classes=4, class_names=("cats", "dogs", "bees", "ants"))
    assert inputter.class_counts() == (7, 0, 8, 8)


def test_a_folder_that_is_not_there_or_empty_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: expected a folder that holds a folder for each class"):
        build(tmp_path / "nowhere").get_num_samples()
    (tmp_path / "ants").mkdir()
    with pytest.raises(DataError, match=r"expected images in a folder for each class. There is none"):
        build(tmp_path, num_classes=1).get_num_samples()


@pytest.mark.data
def test_ants_and_bees_are_all_there(data_folder):
    config = {"num_classes": 2, "image_height": 32, "image_width": 32, "cache": "never"}
    inputter = build(data_folder / "hymenoptera", **config)
    assert inputter.class_names == ("ants", "bees")
    assert inputter.class_counts() == (123, 121)
    assert inputter.class_counts("evaluate") == (70, 83)
    assert _files.take(inputter, 1)[0]["image"].shape == (4, 32, 32, 3)
