"""Tests of arrays read out of Darknet `.weights` files."""

import numpy as np
import pytest

from source.modeler.importing import darknet_file

CFG = """[net]
height=1
width=1
channels=2
[convolutional]
filters=3
batch_normalize=1
[connected]
output=2
"""
# 3 biases, scales, means and variances and 3 x 2 weights; 2 biases and 2 x 3 weights.
NUMBERS = np.arange(26, dtype="<f4")


def write(folder, version=(0, 2, 5), seen=8, numbers=NUMBERS):
    (folder / "net.cfg").write_text(CFG)
    content = np.array(version, "<i4").tobytes() + bytes(seen) + numbers.tobytes()
    (folder / "net.weights").write_bytes(content)
    return folder / "net.weights"


def test_numbers_get_the_names_of_the_cfg_in_its_order(tmp_path):
    read = darknet_file.read(write(tmp_path))
    assert list(read) == [
        *(f"layer0.norm.{name}" for name in ("biases", "scales", "rolling_mean", "rolling_variance")),
        "layer0.weights",
        *("layer1.biases", "layer1.weights"),
    ]
    np.testing.assert_array_equal(read["layer0.norm.rolling_mean"], [6, 7, 8])
    np.testing.assert_array_equal(read["layer0.weights"][..., 0, 0], [[12, 13], [14, 15], [16, 17]])
    np.testing.assert_array_equal(read["layer1.weights"], [[20, 21, 22], [23, 24, 25]])


def test_a_file_before_version_0_2_counts_pictures_in_4_bytes(tmp_path):
    read = darknet_file.read(write(tmp_path, version=(0, 1, 0), seen=4))
    np.testing.assert_array_equal(read["layer0.norm.biases"], [0, 1, 2])


def test_a_version_above_1000_stores_dense_kernels_the_other_way_round(tmp_path):
    read = darknet_file.read(write(tmp_path, version=(1001, 0, 0), seen=4))
    np.testing.assert_array_equal(read["layer1.weights"], [[20, 22, 24], [21, 23, 25]])


def test_a_file_that_does_not_fit_the_cfg_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"net\.cfg describes 26 numbers, and the file has 25"):
        darknet_file.read(write(tmp_path, numbers=NUMBERS[:-1]))
    with pytest.raises(ValueError, match=r"its header says version -1\.2, which no Darknet has"):
        darknet_file.read(write(tmp_path, version=(-1, 2, 5)))
    (tmp_path / "net.weights").write_bytes(b"short")
    with pytest.raises(ValueError, match="its header has 20 bytes, and the file 5"):
        darknet_file.read(tmp_path / "net.weights")
    (tmp_path / "net.cfg").unlink()
    with pytest.raises(ValueError, match=r"there is no net\.cfg beside it, which names its layers"):
        darknet_file.read(tmp_path / "net.weights")


def test_a_real_file_is_used_up_to_its_last_number(data_folder):
    read = darknet_file.read(data_folder / "pretrained" / "yolo_fastest" / "yolo-fastest-1.1.weights")
    assert sum(array.size for array in read.values()) == 346_062
    assert min(read["layer0.norm.rolling_variance"]) > 0  # a shift by one array would put signed numbers here
