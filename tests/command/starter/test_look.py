"""Tests of looking at somebody's data."""

import numpy as np
import pytest

from source.command.starter.look import EVALUATE, TRAIN, look
from source.config.errors import DataError
from source.inputter import image_classification_folder_inputter as folder_inputter
from tests.command.starter.data import archive, folders, picture, table


def test_splits_are_called_as_the_inputter_calls_them():
    assert (TRAIN, EVALUATE) == (folder_inputter._TRAIN, folder_inputter._EVALUATE)


def test_class_folders(tmp_path):
    folders(tmp_path, {"dog": 2, "cat": 3})
    picture(tmp_path / "cat" / "more" / "deep.png")
    picture(tmp_path / "cat" / ".hidden.png")
    (tmp_path / "cat" / "Thumbs.db").write_bytes(b"")
    found = look(str(tmp_path))
    assert found.inputter == "image_classification_folder_inputter"
    assert found.classes == ("cat", "dog")
    assert found.counts == {"cat": (4, 0), "dog": (2, 0)}
    assert found.shapes.sizes[0] == (40, 60)


def test_folders_of_splits(tmp_path):
    folders(tmp_path / "train", {"a": 2, "b": 1})
    folders(tmp_path / "val", {"a": 1, "b": 2})
    assert look(str(tmp_path)).counts == {"a": (2, 1), "b": (1, 2)}


def test_another_folder_to_evaluate_on(tmp_path):
    folders(tmp_path / "one", {"a": 2, "b": 1})
    folders(tmp_path / "other", {"b": 2})
    found = look(str(tmp_path / "one"), str(tmp_path / "other"))
    assert found.counts == {"a": (2, 0), "b": (1, 2)}
    assert found.evaluate == str(tmp_path / "other")


@pytest.mark.parametrize("header", ["", "file,label"])
def test_a_table_with_names(tmp_path, header):
    found = look(str(table(tmp_path, ["dog", "cat", "dog"], header)))
    assert found.inputter == "image_classification_csv_inputter"
    assert (found.classes, found.named) == (("cat", "dog"), True)
    assert found.counts == {"cat": (1, 0), "dog": (2, 0)}
    assert found.settings == {}


def test_a_table_with_numbers_and_semicolons(tmp_path):
    found = look(str(table(tmp_path, ["2", "0", "2"], delimiter=";")))
    assert (found.classes, found.named) == (("0", "1", "2"), False)
    assert found.counts == {"0": (1, 0), "1": (0, 0), "2": (2, 0)}
    assert found.settings == {"delimiter": ";"}


def test_an_archive(tmp_path):
    images, labels = np.zeros((4, 8, 9), np.uint8), np.array([0, 1, 1, 1])
    file = archive(tmp_path / "d.npz", x_train=images, y_train=labels, x_test=images[:1], y_test=labels[:1])
    found = look(str(file))
    assert found.inputter == "image_classification_array_inputter"
    assert found.counts == {"0": (1, 1), "1": (3, 0)}
    assert (list(found.shapes.sizes), found.shapes.depth) == ([(8, 9)], 1)


def test_an_archive_without_splits_in_colour(tmp_path):
    file = archive(tmp_path / "d.npz", images=np.zeros((2, 8, 9, 3), np.uint8), labels=np.array([[0], [1]]))
    assert look(str(file)).shapes.depth == 3


def test_what_is_not_there_or_of_no_kind_is_refused(tmp_path):
    (tmp_path / "a.doc").write_text("x")
    with pytest.raises(DataError, match=r"none: there is no such file or folder\."):
        look(str(tmp_path / "none"))
    with pytest.raises(
        DataError, match=r"a\.doc: expected a folder of class folders, a \.csv file or a \.npz archive\."
    ):
        look(str(tmp_path / "a.doc"))


def test_a_folder_without_class_folders_names_a_list_that_is_there(tmp_path):
    file = table(tmp_path, ["a", "b"])
    (tmp_path / "all").rename(tmp_path / ".all")
    with pytest.raises(DataError, match=r"expected pictures in a folder for each class\. .* There is list\.csv; name"):
        look(str(file.parent))


def test_one_class_is_too_few(tmp_path):
    with pytest.raises(DataError, match=r"expected two classes or more\. Found: only\."):
        look(str(folders(tmp_path, {"only": 2})))


def test_files_that_are_no_pictures_are_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(b"no")
    with pytest.raises(DataError, match=r"none of the files that were looked at is a picture\."):
        look(str(tmp_path))


def test_broken_tables_are_refused(tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("a.png\n")
    with pytest.raises(DataError, match=r"expected rows of a picture and its label\. Received: \['a\.png'\]\."):
        look(str(file))
    file.write_text("a.png,1\nb.png,0\n")
    with pytest.raises(DataError, match=r"2 of 2 pictures are not there\. The first is .*a\.png\."):
        look(str(file))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"cannot be read as text"):
        look(str(file))


def test_broken_archives_are_refused(tmp_path):
    file = tmp_path / "d.npz"
    file.write_bytes(b"PK")
    with pytest.raises(DataError, match=r"not a NumPy archive, or a damaged one"):
        look(str(file))
    archive(file, a=np.zeros(2))
    with pytest.raises(DataError, match=r"expected the arrays x_train and y_train, images and labels, or x and y\."):
        look(str(file))
    archive(file, x=np.zeros((2, 3)), y=np.zeros(2, np.int64))
    with pytest.raises(
        DataError, match=r"expected pictures \(n, h, w\) or \(n, h, w, c\), and whole numbers as labels\."
    ):
        look(str(file))
    with pytest.raises(DataError, match=r"an archive has its own pictures to evaluate on, x_test and y_test\."):
        look(str(file), "other.npz")
