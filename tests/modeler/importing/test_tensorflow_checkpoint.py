"""Tests of variables read out of TensorFlow checkpoints."""

import numpy as np
import pytest
import tensorflow as tf

from source.modeler.importing import tensorflow_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    variables = [tf.Variable(tf.fill([2], float(number))) for number in range(11)]
    half = tf.Variable(tf.constant([1.5], tf.bfloat16))
    tf.train.Checkpoint(layer=variables, half=half).write(str(folder / "model"))
    return folder


def test_variables_come_by_name_in_the_order_of_their_numbers(folder):
    read = tensorflow_checkpoint.read(folder / "model")
    assert list(read) == ["half", *(f"layer/{number}" for number in range(11))]
    np.testing.assert_array_equal(read["layer/10"], [10, 10])
    assert (read["half"].dtype, read["half"][0]) == (np.float32, 1.5)


def test_a_checkpoint_of_version_1_is_read(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        weight = tf.compat.v1.get_variable("net/conv0/weights", initializer=tf.ones([3, 2]))
        session.run(weight.initializer)
        saver = tf.compat.v1.train.Saver([weight], write_version=tf.compat.v1.train.SaverDef.V1)
        saver.save(session, str(tmp_path / "old.ckpt"), write_meta_graph=False)
    read = tensorflow_checkpoint.read(tmp_path / "old.ckpt")
    assert {name: array.shape for name, array in read.items()} == {"net/conv0/weights": (3, 2)}


def test_prefix_index_folder_and_saved_model_are_checkpoints(folder, tmp_path):
    saved = tmp_path / "saved" / "variables"
    saved.mkdir(parents=True)
    for file in folder.iterdir():
        (saved / file.name.replace("model", "variables")).write_bytes(file.read_bytes())
    for place in (folder / "model", folder / "model.index", folder, saved.parent):
        assert tensorflow_checkpoint.is_checkpoint(place)
        assert len(tensorflow_checkpoint.read(place)) == 12
    assert not tensorflow_checkpoint.is_checkpoint(tmp_path)
    assert not tensorflow_checkpoint.is_checkpoint(tmp_path / "model")


def test_the_newest_of_a_folder_is_read_and_several_without_a_list_are_refused(folder, tmp_path):
    variable = tf.Variable(0.0)
    checkpoint = tf.train.Checkpoint(v=variable)
    for number in (1.0, 2.0):
        variable.assign(number)
        checkpoint.save(str(tmp_path / "step"))
    assert tensorflow_checkpoint.read(tmp_path)["v"] == 2
    (tmp_path / "checkpoint").unlink()
    with pytest.raises(
        ValueError, match=r"expected one checkpoint in the folder; .* Received: step-1.index, step-2.index"
    ):
        tensorflow_checkpoint.read(tmp_path)


@pytest.mark.parametrize(("name", "cut"), [("model.index", 20), ("model.data-00000-of-00001", 20)])
def test_a_broken_checkpoint_says_what_is_wrong(folder, tmp_path, name, cut):
    for file in folder.iterdir():
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(content[:cut] if file.name == name else content)
    with pytest.raises(ValueError, match=r"claims 90 bytes, and 20 are stored|Checksum|sstable|not an sst|too short"):
        tensorflow_checkpoint.read(tmp_path / "model")
