import zipfile

import h5py
import keras
import numpy as np
import pytest

from source.config.errors import CheckpointError
from source.modeler import _weights_file


def test_a_checkpoint_gives_its_model_with_averages_first(tmp_path):
    arrays = {
        "model/a": [1.0],
        "model/b": [2.0],
        "average/a": [3.0],
        "optimizer/a/momentum": [4.0],
        "step": 5,
    }
    np.savez(tmp_path / "c.npz", **arrays)
    weights = _weights_file.read(str(tmp_path / "c.npz"))
    assert weights.ours and not weights.numbered
    assert {name: float(array[0]) for name, array in weights.arrays.items()} == {"a": 3, "b": 2}


def test_other_arrays_are_given_by_their_names(tmp_path):
    np.savez(tmp_path / "w.npz", **{"conv/kernel": np.ones(2)})
    weights = _weights_file.read(str(tmp_path / "w.npz"))
    assert list(weights.arrays) == ["conv/kernel"] and not weights.ours


def test_keras_numbers_the_variables_of_a_layer(tmp_path):
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="deep")], name="base")
    model = keras.Sequential([keras.Input((3,)), inner, keras.layers.BatchNormalization(name="norm")])
    model.save_weights(tmp_path / "m.weights.h5")
    weights = _weights_file.read(str(tmp_path / "m.weights.h5"))
    assert weights.numbered
    assert sorted(weights.arrays) == [
        "base/deep/0",
        "base/deep/1",
        *(f"norm/{number}" for number in range(4)),
    ]
    np.testing.assert_array_equal(weights.arrays["base/deep/0"], model.get_weights()[0])


def test_nothing_of_a_keras_archive_but_its_weights_is_opened(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="d")]).save_weights(tmp_path / "m.weights.h5")
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.write(tmp_path / "m.weights.h5", "model.weights.h5")
        archive.writestr("config.json", "this is no description of a model")
    assert sorted(_weights_file.read(str(tmp_path / "m.keras")).arrays) == ["d/0", "d/1"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"pretrained_model: there is no file .*none\.npz"):
        _weights_file.read(str(tmp_path / "none.npz"))


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "w.pkl").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"ends in \.npz, \.keras or \.h5\. Received: .*w\.pkl"):
        _weights_file.read(str(tmp_path / "w.pkl"))


@pytest.mark.parametrize("name", ["w.npz", "w.keras", "w.weights.h5"])
@pytest.mark.parametrize("content", [b"", b"no such format"])
def test_a_broken_file_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{name} cannot be read: "):
        _weights_file.read(str(tmp_path / name))


def test_objects_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "w.npz", a=np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match=r"w\.npz cannot be read: Object arrays cannot be loaded"):
        _weights_file.read(str(tmp_path / "w.npz"))


def test_links_to_other_files_are_not_followed(tmp_path):
    with h5py.File(tmp_path / "w.weights.h5", "w") as archive:
        archive["layers"] = h5py.ExternalLink("other.h5", "/")
    with pytest.raises(CheckpointError, match="it has a link at //layers"):
        _weights_file.read(str(tmp_path / "w.weights.h5"))


def test_data_in_other_files_is_not_read(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(16))
    with h5py.File(tmp_path / "w.weights.h5", "w") as archive:
        group = archive.create_group("layers/d/vars")
        group.create_dataset("0", (4,), "f4", external=[(str(tmp_path / "secret"), 0, 16)])
    with pytest.raises(CheckpointError, match="lies in another file"):
        _weights_file.read(str(tmp_path / "w.weights.h5"))


def test_of_a_run_the_newest_checkpoint_is_taken(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    for step in (9, 10, 100000000):
        np.savez(tmp_path / "checkpoints" / f"checkpoint-{step:08}.npz", **{"model/a": [float(step)], "step": step})
    assert _weights_file.read(str(tmp_path)).arrays["a"] == 100000000.0


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    message = r"pretrained_model: .* is no run with a checkpoint\. Name a file, or train that run\."
    with pytest.raises(CheckpointError, match=message):
        _weights_file.read(str(tmp_path))
