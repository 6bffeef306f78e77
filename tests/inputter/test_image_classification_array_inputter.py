"""Tests of `.npz`, IDX, CIFAR and TFRecord files: their parts, their labels, and what broken ones say."""

import gzip
import runpy

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError, DataError
from source.inputter import image_classification_array_inputter as array_inputter
from tests.inputter import _files


def build(meta, **fields):
    fields = {
        "train_dataset_meta": str(meta),
        "num_classes": 3,
        "image_height": 8,
        "image_width": 8,
        "batch_size_per_gpu": _files.COUNT,
        **fields,
    }
    return array_inputter.build(array_inputter.Config(**fields))


def counts(inputter):
    return inputter.get_num_samples(), inputter.get_num_samples("evaluate")


def all_images(inputter, split="evaluate"):
    batch = _files.take(inputter, 1, split)[0]
    return batch["image"][batch["weight"] > 0], batch["label"][batch["weight"] > 0]


def refuses(meta, message, **fields):
    with pytest.raises(DataError, match=message):
        build(meta, **fields).get_num_samples()


def test_an_archive_gives_its_training_and_its_test_part(tmp_path):
    inputter = build(_files.write_npz(tmp_path / "a.npz"))
    assert counts(inputter) == (_files.COUNT, 11)
    images, labels = all_images(inputter)
    np.testing.assert_array_equal(images, _files.images(11, seed=1))
    np.testing.assert_array_equal(labels, _files.labels(11))


@pytest.mark.parametrize("names", [("images", "labels"), ("x", "y")])
def test_an_archive_of_one_part_serves_where_it_is_named(tmp_path, names):
    path = tmp_path / "a.npz"
    np.savez(path, **dict(zip(names, (_files.images()[..., 0], _files.labels()[:, np.newaxis]), strict=True)))
    assert counts(build(path)) == (_files.COUNT, 0)
    alone = build(path, train_dataset_meta=(), eval_dataset_meta=str(path))
    assert counts(alone) == (0, _files.COUNT)
    np.testing.assert_array_equal(all_images(alone)[0], np.repeat(_files.images()[..., :1], 3, axis=-1))


@pytest.mark.parametrize("depth", [1, 3, 4])
def test_images_get_the_channels_wanted(tmp_path, depth):
    inputter = build(_files.write_npz(tmp_path / "a.npz"), image_depth=depth)
    assert all_images(inputter)[0].shape == (11, 8, 8, depth)


def test_archives_that_cannot_be_used_are_named(tmp_path):
    path, images, labels = tmp_path / "a.npz", _files.images(), _files.labels()
    np.savez(path, pictures=images)
    refuses(path, r"a.npz: expected arrays named x_train and y_train .*. Received: pictures")
    np.savez(path, x_train=images)
    refuses(path, r"a.npz: expected an array named y_train. Received: x_train")
    np.savez(path, images=images / 255.0, labels=labels)
    refuses(path, r"array images: expected uint8 .* from 0 to 255. Received: float64 \(23, 8, 8, 3\)")
    np.savez(path, images=images, labels=labels + 0.5)
    refuses(path, r"array labels: expected one whole number for each of 23 images. Received: float64 \(23,\)")
    np.savez(path, images=images, labels=labels[:-1])
    refuses(path, r"array labels: expected one whole number for each of 23 images. Received: int64 \(22,\)")
    np.savez(path, images=np.array([None, 1], dtype=object), labels=labels)
    refuses(path, r"a.npz, array images: cannot be used \(.*allow_pickle=False\)")
    np.savez(path, images=np.zeros((2, 8, 8, 5), np.uint8), labels=labels[:2])
    refuses(path, r"expected images \(h, w, c\) of 1 to 4 channels. Received: \(8, 8, 5\)")
    path.write_bytes(b"PK no archive")
    refuses(path, r"a.npz: not a NumPy archive, or a damaged one")
    refuses(tmp_path / "b.npz", r"b.npz: there is no such file or folder")


def test_labels_out_of_range_name_file_and_example(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, images=_files.images(), labels=np.r_[_files.labels()[:-1], 3])
    refuses(path, r"a.npz, array labels, example 23: label 3 is out of range: expected 0 to 2")
    skipping = build(path, on_bad_example="skip")
    assert skipping.get_num_samples() == 22
    assert [bad.row for bad in skipping.skipped] == [23]


def test_idx_files_are_found_in_a_folder_gzipped_or_not(tmp_path):
    _files.write_mnist(tmp_path)
    inputter = build(tmp_path, image_depth=1)
    assert counts(inputter) == (_files.COUNT, 11)
    np.testing.assert_array_equal(all_images(inputter)[0], _files.images(11, depth=1, seed=1))
    for path in list(tmp_path.glob("*.gz")):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    _files.same(_files.take(build(tmp_path, image_depth=1), 2), _files.take(inputter, 2))


def test_an_image_file_finds_its_labels(tmp_path):
    _files.write_mnist(tmp_path)
    assert counts(build(tmp_path / "train-images-idx3-ubyte.gz")) == (_files.COUNT, 0)
    assert counts(build(tmp_path / "t10k-images-idx3-ubyte.gz")) == (11, 0)
    held_out = str(tmp_path / "t10k-images-idx3-ubyte.gz")
    assert counts(build(tmp_path / "train-images-idx3-ubyte.gz", eval_dataset_meta=held_out)) == (_files.COUNT, 11)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    refuses(
        tmp_path,
        r"train-images-idx3-ubyte.gz: the file of its labels is missing. Expected: .*train-labels-idx1-ubyte.gz",
    )
    refuses(tmp_path / "t10k-labels-idx1-ubyte.gz", r"expected an image file with `images` in its name")


def test_broken_idx_files_name_file_and_offset(tmp_path):
    _files.write_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    contents = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(contents[:-10]))
    size = _files.COUNT * 64
    refuses(
        tmp_path,
        rf"{path}, offset {size + 6}: expected {size} bytes of values for the shape \(23, 8, 8\). Received",
    )
    path.write_bytes(gzip.compress(b"\0\0\x0b\x03" + contents[4:]))
    refuses(tmp_path, r"offset 0: expected the IDX magic number 00000803 .* Received: 00000b03")
    path.write_bytes(gzip.compress(b"\0\0\x08\x03\0\0"))
    refuses(tmp_path, r"offset 6: the file ends inside its 16-byte header")
    whole = gzip.compress(contents)
    path.write_bytes(whole[: len(whole) // 2])
    refuses(tmp_path, r"offset \d+ \(unpacked\): the gzip data is damaged or ends too early")
    path.write_bytes(b"")
    refuses(tmp_path, r"offset 0: expected the IDX magic number 00000803 .* Received: an empty file")
    _files.write_idx(path, _files.images(5, depth=1)[..., 0])
    refuses(tmp_path, r"expected as many labels as images. Received: 5 images, 23 labels")


def write_batch(path, images, *labels):
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    np.concatenate([*(np.asarray(label, np.uint8)[:, np.newaxis] for label in labels), planes], axis=1).tofile(path)


def write_cifar10(folder):
    folder.mkdir()
    for number in range(1, 6):
        write_batch(folder / f"data_batch_{number}.bin", _files.images(4, 32, 32, seed=number), _files.labels(4))
    write_batch(folder / "test_batch.bin", _files.images(3, 32, 32), _files.labels(3))
    (folder / "batches.meta.txt").write_text("airplane\nbird\ncat\n\n")
    return folder


LARGE = {"image_height": 32, "image_width": 32, "batch_size_per_gpu": 4}


def test_cifar_batches_are_found_with_their_class_names(tmp_path):
    folder = write_cifar10(tmp_path / "cifar-10-batches-bin")
    for meta in (tmp_path, folder):
        inputter = build(meta, **LARGE)
        assert counts(inputter) == (20, 3)
        assert inputter.class_names == ("airplane", "bird", "cat")
    np.testing.assert_array_equal(all_images(inputter)[0], _files.images(3, 32, 32))
    assert counts(build(folder / "data_batch_2.bin", **LARGE)) == (4, 0)


def test_training_files_named_alone_are_split_and_the_test_file_stays_unread(tmp_path):
    folder = write_cifar10(tmp_path / "cifar")
    (folder / "test_batch.bin").write_bytes(b"broken")
    inputter = build(folder / "data_batch_*.bin", validation_fraction=0.25, **LARGE)
    held_out = inputter.get_num_samples("evaluate")
    assert counts(inputter) == (20 - held_out, held_out)
    assert held_out == sum(inputter.class_counts("evaluate")) > 0


def test_a_split_beside_test_images_is_refused(tmp_path):
    folder = write_cifar10(tmp_path / "cifar")
    for names in ({}, {"eval_dataset_meta": str(folder / "test_batch.bin")}):
        with pytest.raises(
            ConfigError, match=r"`validation_fraction` sets aside .* Received: validation_fraction=0\.1\."
        ):
            build(folder, validation_fraction=0.1, **names, **LARGE).get_num_samples()


def test_cifar_100_takes_the_fine_labels(tmp_path):
    write_batch(tmp_path / "train.bin", _files.images(4, 32, 32), [9, 9, 9, 9], [0, 1, 2, 2])
    write_batch(tmp_path / "test.bin", _files.images(2, 32, 32), [9, 9], [2, 1])
    inputter = build(tmp_path, **LARGE)
    assert inputter.class_counts() == (1, 1, 2)
    assert inputter.class_counts("evaluate") == (0, 1, 1)


def test_broken_cifar_batches_name_file_and_offset(tmp_path):
    folder = write_cifar10(tmp_path / "cifar-10-batches-bin")
    path = folder / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])
    refuses(
        folder,
        rf"{path}, offset 9219: expected records of 3073 bytes. Received: 12291 bytes, which are 3 records and 3072",
        **LARGE,
    )
    path.unlink()
    refuses(folder, r"expected the batches data_batch_1.bin, .* Missing: data_batch_3.bin", **LARGE)


def test_records_are_read_from_files_patterns_and_folders(tmp_path):
    _files.write_tfrecord(tmp_path / "train-00000-of-00002", 9)
    _files.write_tfrecord(tmp_path / "train-00001-of-00002", 14, seed=1)
    for meta in (
        tmp_path / "train-*-of-*",
        tmp_path,
        f"{tmp_path}/train-00000-of-00002,{tmp_path}/train-00001-of-00002",
    ):
        assert build(meta).class_counts() == (8, 8, 7)
    one = build(tmp_path, train_dataset_meta=(), eval_dataset_meta=str(tmp_path / "train-00000-of-00002"))
    np.testing.assert_array_equal(all_images(one)[0], _files.images(9))
    _files.same(_files.take(build(tmp_path), 2), _files.take(build(tmp_path, cache="never"), 2))
    refuses(tmp_path / "test-*", r"test-\*: no file matches this pattern")


def test_broken_records_name_file_and_record(tmp_path):
    path = _files.write_tfrecord(tmp_path / "a.tfrecord", 5)
    whole = path.read_bytes()
    first = len(next(iter(tf.data.TFRecordDataset(str(path)))).numpy()) + 16
    path.write_bytes(whole[: first + 20])
    refuses(path, rf"a.tfrecord, record 2, offset {first}: the file is damaged or ends too early")
    path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    refuses(path, r"a.tfrecord, record 1, offset 0: the file is damaged or ends too early")
    path.write_bytes(b"")
    refuses(path, r"a.tfrecord: there is no record in the file")
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"no example")
    refuses(path, r"a record is not a tf.train.Example with image/encoded \(bytes\) and image/class/label \(int64\)")


def test_records_without_image_or_label_name_the_record(tmp_path):
    path = _files.write_tfrecord(tmp_path / "a.tfrecord", 2, without=("image/encoded",))
    refuses(path, r"a.tfrecord, record 1: there is no image: expected the feature image/encoded")
    _files.write_tfrecord(path, 2, without=("image/class/label",))
    refuses(path, r"a.tfrecord, record 1: label -1 is out of range")
    assert build(path, on_bad_example="skip").get_num_samples() == 0


def test_a_broken_image_in_a_record_is_named(tmp_path):
    path = tmp_path / "a.tfrecord"
    feature = {
        "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"hello"])),
        "image/class/label": tf.train.Feature(int64_list=tf.train.Int64List(value=[1])),
    }
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    with pytest.raises(DataError, match=r"a.tfrecord, record 1: not an image"):
        build(path).input_fn()


def test_files_that_are_something_else_or_do_not_fit_together_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    refuses(tmp_path / "a.txt", r"a.txt: expected a .npz file, IDX files")
    refuses(tmp_path, r"expected a .npz file, IDX files")
    one, other = _files.write_npz(tmp_path / "a.npz"), tmp_path / "b.npz"
    np.savez(other, images=_files.images(4, 9, 9), labels=_files.labels(4))
    refuses(
        f"{one},{other}",
        r"Expected images of one shape in all files. Received: .*a.npz.*: \(8, 8, 3\), .*b.npz.*: \(9, 9, 3\)",
    )


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_real_idx_sets_are_complete(data_folder, name):
    inputter = build(data_folder / name, num_classes=10, image_height=28, image_width=28, image_depth=1)
    assert counts(inputter) == (60_000, 10_000)
    if name == "mnist":
        assert inputter.class_counts() == (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    assert set(inputter.class_counts("evaluate")) == (
        {1000} if name == "fashion_mnist" else {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}
    )


@pytest.mark.data
@pytest.mark.slow
def test_the_real_cifar_10_is_complete(data_folder, tmp_path):
    tool = data_folder.parent / "tools" / "cifar10.py"
    if not tool.is_file():
        pytest.skip(f"needs the converter {tool}")
    runpy.run_path(str(tool))["write_binary"](tmp_path)
    inputter = build(tmp_path, num_classes=10, image_height=32, image_width=32)
    assert inputter.class_counts() == (5000,) * 10
    assert inputter.class_counts("evaluate") == (1000,) * 10
    assert inputter.class_names[:3] == ("airplane", "automobile", "bird")
