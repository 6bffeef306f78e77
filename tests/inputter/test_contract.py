"""What every inputter of image classification does, whatever its files look like."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import cifar_augmenter, random_key
from source.config import plugin
from source.config.errors import ConfigError, DataError
from source.config.image_classification_config import ImageClassificationInputterConfig
from tests.inputter import _files

BATCH = 5


def array(folder):
    return {"train_dataset_meta": str(_files.write_npz(folder / "a.npz"))}


def csv(folder):
    train, held_out = _files.write_csv(folder), _files.write_csv(folder, "eval.csv", 11, seed=1)
    return {"train_dataset_meta": str(train), "eval_dataset_meta": str(held_out)}


def folders(folder):
    _files.write_folders(folder / "train")
    _files.write_folders(folder / "val", 11, seed=1)
    return {"train_dataset_meta": str(folder)}


def synthetic(folder):
    return {"num_samples": _files.COUNT, "num_evaluation_samples": 11}


def digits(folder):
    return {"num_classes": 10, "batch_size_per_gpu": 37}


DATA = {
    "digits": digits,
    "image_classification_array_inputter": array,
    "image_classification_csv_inputter": csv,
    "image_classification_folder_inputter": folders,
    "image_classification_syn_inputter": synthetic,
}


class UniqueKeys:
    """An augmenter that shows the key and the image, and takes images one by one."""

    def augment(self, image, output_height, output_width, is_training=False, speed_mode=False, key=None):
        resized = tf.cast(tf.image.resize(image, (output_height, output_width)), tf.float32)
        return resized + random_key.uniform(key, 0) if is_training else resized


@pytest.fixture(params=DATA, scope="module")
def member(request, tmp_path_factory):
    """Returns a function that builds the member, with settings changed at will."""
    fields = {
        "num_classes": _files.CLASSES,
        "image_height": _files.SIDE,
        "image_width": _files.SIDE,
        "image_depth": 3,
        "batch_size_per_gpu": BATCH,
        "seed": 7,
        **DATA[request.param](tmp_path_factory.mktemp(request.param)),
    }
    module = plugin.resolve("inputter", request.param)

    def make(augmenter=cifar_augmenter, /, **changes):
        return module.build(module.Config(**{**fields, **changes}), augmenter)

    return make


def test_every_plugin_of_the_room_is_here():
    assert set(plugin.available("inputter")) == set(DATA)


@pytest.mark.parametrize("name", DATA)
def test_a_plugin_has_a_config_and_takes_the_config_of_its_task(name, tmp_path):
    module = plugin.resolve("inputter", name)
    assert issubclass(module.Config, ImageClassificationInputterConfig)
    assert dataclasses.is_dataclass(module.Config)
    inputter = module.build(ImageClassificationInputterConfig(image_height=16, image_width=12))
    assert inputter.image_shape == (16, 12, 3)


def rows_of(batches):
    return [image.tobytes() for batch in batches for image in batch["image"][batch["weight"] > 0]]


def test_an_epoch_holds_each_example_exactly_once(member):
    inputter = member(None)
    n, batch = inputter.get_num_samples(), inputter.batch_size()
    images = rows_of(_files.take(inputter, -(-3 * n // batch)))
    everything = Counter(images[:n])
    assert Counter(images[n : 2 * n]) == everything
    assert images[n : 2 * n] != images[:n]
    in_file_order = rows_of(_files.take(member(None, batch_size_per_gpu=n), 1))
    assert Counter(in_file_order) == everything


def test_labels_stay_with_their_images(member):
    inputter = member(None)
    n = inputter.get_num_samples()
    whole = _files.take(member(None, batch_size_per_gpu=n), 2)
    label_of = {image.tobytes(): label for image, label in zip(whole[0]["image"], whole[0]["label"], strict=True)}
    assert all(
        label_of[image.tobytes()] == label for image, label in zip(whole[1]["image"], whole[1]["label"], strict=True)
    )
    assert tuple(np.bincount(whole[0]["label"], minlength=inputter.num_classes)) == inputter.class_counts()


def test_evaluation_sees_each_example_once_and_pads_the_last_batch(member):
    inputter = member()
    n, batch = inputter.get_num_samples("evaluate"), inputter.batch_size()
    batches = _files.take(inputter, -1, "evaluate")
    assert len(batches) == -(-n // batch) and n % batch
    assert all(b["image"].shape == (batch, *inputter.image_shape) for b in batches)
    np.testing.assert_array_equal(np.concatenate([b["weight"] for b in batches]), np.arange(len(batches) * batch) < n)
    whole = _files.take(member(batch_size_per_gpu=n), -1, "evaluate")
    assert rows_of(batches) == rows_of(whole)
    assert whole[0]["label"].dtype == np.int32 and whole[0]["weight"].dtype == np.float32
    _files.same(_files.take(inputter, -1, "evaluate", start_step=1), batches[1:])


def test_a_run_that_starts_at_a_step_gives_the_batches_of_that_step(member):
    from_zero = _files.take(member(), 8)
    _files.same(_files.take(member(), 5, start_step=3), from_zero[3:])


@pytest.mark.parametrize("calls", [1, 3])
def test_the_number_of_parallel_calls_changes_nothing(member, calls):
    _files.same(_files.take(member(num_parallel_calls=calls), 6), _files.take(member(), 6))


@pytest.mark.parametrize("split", ["train", "evaluate"])
@pytest.mark.parametrize("augmenter", [None, cifar_augmenter, UniqueKeys()], ids=["none", "batch", "single"])
def test_memory_and_files_give_the_same_bits(member, split, augmenter):
    _files.same(
        _files.take(member(augmenter, cache="never"), 3, split),
        _files.take(member(augmenter, cache="auto"), 3, split),
    )


def test_seeds_change_the_order_and_the_augmentation(member):
    one, other = _files.take(member(seed=1), 1), _files.take(member(seed=2), 1)
    assert (one[0]["image"] != other[0]["image"]).any()
    _files.same(one, _files.take(member(seed=1), 1))
    assert (_files.take(member(), 1)[0]["image"] != _files.take(member(None), 1)[0]["image"]).any()


def test_every_epoch_and_example_has_its_own_key(member):
    inputter = member(UniqueKeys())
    plain = member(None)
    n, batch = inputter.get_num_samples(), inputter.batch_size()
    steps = -(-2 * n // batch)
    offsets = [
        one["image"][:, 0, 0, 0] - other["image"][:, 0, 0, 0]
        for one, other in zip(_files.take(inputter, steps), _files.take(plain, steps), strict=True)
    ]
    # Adding up to 255 in float32 rounds U(0, 1) to multiples of 2^-16: of 2,876 draws about 62 pairs coincide.
    assert len(np.unique(np.concatenate(offsets)[: 2 * n])) > 1.9 * n


def test_preprocess_is_what_evaluation_does(member):
    inputter, raw = member(), member(None)
    whole = {"batch_size_per_gpu": inputter.get_num_samples("evaluate")}
    images = _files.take(member(None, **whole), 1, "evaluate")[0]["image"].astype(np.uint8)
    expected = _files.take(member(**whole), 1, "evaluate")[0]["image"]
    np.testing.assert_array_equal(inputter.preprocess(tf.constant(images)), expected)
    np.testing.assert_array_equal(inputter.preprocess(tf.constant(images[0])), expected[0])
    np.testing.assert_array_equal(raw.preprocess(tf.constant(images)), images)


def test_originals_are_the_images_before_preprocessing_spread_over_the_split(member):
    inputter = member()
    count = inputter.get_num_samples("evaluate")
    everything = inputter.originals("evaluate", 10**6)
    assert len(everything) == count
    assert {(image.dtype.name, image.shape[-1]) for image in everything} == {("uint8", inputter.image_shape[-1])}
    [batch] = inputter.input_fn("evaluate").take(1)
    np.testing.assert_array_equal(inputter.preprocess(tf.constant(everything[0])), batch["image"][0])
    first, last = inputter.originals("evaluate", 2)
    np.testing.assert_array_equal(first, everything[0])
    np.testing.assert_array_equal(last, everything[-1])


def test_originals_that_cannot_be_decoded_are_passed_over(tmp_path):
    _files.write_folders(tmp_path / "train")
    broken = sorted((tmp_path / "train").rglob("*.*"))[0]
    broken.write_bytes(b"no picture")
    module = plugin.resolve("inputter", "image_classification_folder_inputter")
    inputter = module.build(module.Config(train_dataset_meta=str(tmp_path), num_classes=_files.CLASSES))
    assert len(inputter.originals("train", 10**6)) == _files.COUNT - 1
    with pytest.raises(ConfigError, match=r"Did you mean `train`\?"):
        inputter.originals("trian", 1)


def test_one_batch_to_overfit_is_the_first_one_undistorted(member):
    batches = _files.take(member(), 3, overfit_one_batch=True, start_step=4)
    _files.same(batches, [batches[0]] * 3)
    np.testing.assert_array_equal(batches[0]["label"], _files.take(member(), 1)[0]["label"])
    images = _files.take(member(None), 1)[0]["image"].astype(np.uint8)
    np.testing.assert_array_equal(batches[0]["image"], member().preprocess(tf.constant(images)))


def test_replicas_share_a_batch(member):
    inputter = member()
    batch = inputter.batch_size()
    assert inputter.batch_size(2) == 2 * batch
    assert inputter.steps_per_epoch(2) == inputter.get_num_samples() / (2 * batch)
    two, one = _files.take(inputter, 1, replicas=2), _files.take(inputter, 2)
    np.testing.assert_array_equal(two[0]["image"], np.concatenate([b["image"] for b in one]))


def test_the_steps_of_a_run_follow_from_epochs(member):
    n, batch = member().get_num_samples(), member().batch_size()
    assert member(epochs=2.5).max_step() == int(n * 2.5) // batch
    with pytest.raises(DataError, match=r"fewer examples than one batch: .* epochs make no step of"):
        member(batch_size_per_gpu=n + 1).max_step()


def test_classes_have_names_and_counts(member):
    inputter = member()
    assert len(inputter.class_names) == inputter.num_classes
    assert sum(inputter.class_counts()) == inputter.get_num_samples()
    assert sum(inputter.class_counts("evaluate")) == inputter.get_num_samples("evaluate")
    assert inputter.has_evaluation_data
    if "folder" not in type(inputter.config).__module__:
        names = tuple(f"class {label}" for label in range(inputter.num_classes))
        assert member(class_names=names).class_names == names


def test_inspect_counts_what_there_is(member):
    inputter = member()
    report = inputter.inspect()
    assert report.bad == ()
    for split in ("train", "evaluate"):
        found = report.splits[split]
        assert found.class_counts == inputter.class_counts(split)
        assert found.heights == found.widths == (_files.SIDE, _files.SIDE)
        assert found.channels == {3: inputter.get_num_samples(split)}
    assert f"train: {inputter.get_num_samples()} examples" in str(report)


def test_predictions_go_through_the_given_files_in_order(member, tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(7)]
    pixels = _files.images(7, seed=5)
    for path, image in zip(paths, pixels, strict=True):
        path.write_bytes(_files.encoded(image))
    inputter = member(None, test_samples=tuple(map(str, paths)), batch_size_per_gpu=4)
    batches = _files.take(inputter, -1, "infer")
    assert [b["index"].tolist() for b in batches] == [[0, 1, 2, 3], [4, 5, 6, -1]]
    assert [b["weight"].tolist() for b in batches] == [[1, 1, 1, 1], [1, 1, 1, 0]]
    assert batches[0].keys() == {"image", "index", "weight"}
    shown = np.concatenate([b["image"] for b in batches])[:7]
    np.testing.assert_array_equal(shown, pixels)
    np.testing.assert_array_equal(inputter.decode(tf.constant(paths[2].read_bytes())), pixels[2])


def test_without_given_files_predictions_go_through_the_evaluation_examples(member):
    evaluated, predicted = _files.take(member(), -1, "evaluate"), _files.take(member(), -1, "infer")
    np.testing.assert_array_equal(evaluated[0]["image"], predicted[0]["image"])


def test_mixing_makes_labels_soft(member):
    inputter = member(batch_augmenter="mixup", batch_augmenter_options={"alpha": 0.4})
    batch = _files.take(inputter, 1)[0]
    assert batch["label"].shape == (inputter.batch_size(), inputter.num_classes)
    # The sum of two shares that add up to 1, in float32.
    np.testing.assert_allclose(batch["label"].sum(axis=1), 1.0, rtol=1e-6)
    assert _files.take(inputter, 1, "evaluate")[0]["label"].ndim == 1


def test_an_augmenter_that_also_mixes_does_both(member):
    both = member(None, augmenter="compose", augmenter_options={"batch_augmenters": ("mixup",)})
    _files.same(_files.take(both, 1), _files.take(member(batch_augmenter="mixup"), 1))


def test_an_augmenter_is_found_by_name(member):
    by_name = member(None, augmenter="cifar_augmenter", augmenter_options={"pad": 2})
    built = member(cifar_augmenter.build(cifar_augmenter.Config(pad=2)))
    _files.same(_files.take(by_name, 1), _files.take(built, 1))


def test_impossible_requests_are_refused(member):
    with pytest.raises(ConfigError, match=r"`split` must be train, evaluate or infer. Received: split='eval'"):
        member().input_fn("eval")
    with pytest.raises(ConfigError, match=r"`start_step` must be at least 0. Received: start_step=-1"):
        member().input_fn(start_step=-1)
    with pytest.raises(ConfigError, match=r"`replicas` must be at least 1. Received: replicas=0"):
        member().batch_size(0)


def test_options_without_an_augmenter_are_refused(member):
    with pytest.raises(ConfigError, match="Options are given for an augmenter, but no augmenter"):
        member(None, augmenter_options={"pad": 2})


def test_good_data_diagnoses_as_good(member):
    assert member().diagnose("train", 0) is None
