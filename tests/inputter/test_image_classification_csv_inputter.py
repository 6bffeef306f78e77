"""Tests of CSV files as people write them, and of every way in which they and their images can be broken."""

import io
import logging

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from source.augmenter import cifar_augmenter
from source.config.errors import ConfigError, DataError
from source.inputter import image_classification_csv_inputter as csv_inputter
from tests.inputter import _files

SIX = [f"train/{i}.png" for i in range(6)]


@pytest.fixture
def folder(tmp_path):
    """Returns a folder of six images of the classes 0, 1, 2, 0, 1, 2 and a good train.csv."""
    _files.write_csv(tmp_path, count=6)
    return tmp_path


def build(folder, name="train.csv", augmenter=None, **fields):
    fields = {
        "train_dataset_meta": str(folder / name),
        "num_classes": 3,
        "image_height": 8,
        "image_width": 8,
        "batch_size_per_gpu": 2,
        **fields,
    }
    return csv_inputter.build(csv_inputter.Config(**fields), augmenter)


def write(folder, text, encoding="utf-8"):
    (folder / "train.csv").write_bytes(text.encode(encoding))


def counts(folder, **fields):
    return build(folder, **fields).class_counts()


GOOD = "".join(f"{path},{i % 3}\n" for i, path in enumerate(SIX))


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        "\n" + GOOD.replace("\n", "\n\n") + "  \n",
        GOOD.replace(",", " , "),
        "path,label\n" + GOOD,
        "\ufeffimage,class\r\n" + GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        "".join(f'"{path}","{i % 3}"\n' for i, path in enumerate(SIX)),
        "".join(f"'{path}',{i % 3}\n" for i, path in enumerate(SIX)),
        GOOD.rstrip("\n"),
    ],
    ids=["plain", "crlf", "blank", "spaces", "header", "bom-crlf-header", "bom", "double", "single", "no-end"],
)
def test_csv_files_are_read_as_people_write_them(folder, text):
    write(folder, text)
    assert counts(folder) == (2, 2, 2)
    assert build(folder).diagnose() is None


def test_a_quoted_path_may_hold_the_delimiter_and_another_quote(folder):
    (folder / "a, b's.png").write_bytes((folder / "train/0.png").read_bytes())
    write(folder, '"a, b\'s.png",1\n')
    assert counts(folder) == (0, 1, 0)
    assert build(folder).diagnose() is None


def test_an_apostrophe_is_no_quote(folder):
    write(folder, "it's.png,0\nand 'so' on.png,2\n")
    assert counts(folder) == (1, 0, 1)


def test_delimiter_header_and_columns_can_be_given(folder):
    write(folder, "0;x;train/0.png\n1;x;train/1.png\n2;x;train/2.png\n")
    fields = {"delimiter": ";", "image_column": 2, "label_column": 0}
    assert counts(folder, **fields) == (1, 1, 1)
    assert counts(folder, header=True, **fields) == (0, 1, 1)


def test_several_files_are_one_list_with_paths_beside_each(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        _files.write_csv(tmp_path / name, count=4, seed=ord(name))
    inputter = build(tmp_path, train_dataset_meta=f"{tmp_path}/a/train.csv,{tmp_path}/b/train.csv")
    assert inputter.class_counts() == (4, 2, 2)
    (tmp_path / "b/train/1.png").write_bytes(b"nothing")
    assert str(inputter.diagnose()).startswith(f"{tmp_path}/b/train.csv, row 2: {tmp_path}/b/train/1.png: not an image")


def test_labels_may_be_class_names(folder):
    write(folder, "name,kind\ntrain/0.png,bee\ntrain/1.png,ant\ntrain/2.png,2\n")
    assert counts(folder, class_names=("ant", "bee", "cat")) == (1, 1, 1)
    write(folder, "train/0.png,bee\ntrain/1.png,ants\n")
    with pytest.raises(DataError, match=r"row 2: label 'ants' is neither a class name nor .* Did you mean `ant`"):
        counts(folder, class_names=("ant", "bee", "cat"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"train.csv: expected rows with an image and a label. Received: an empty file."),
        ("\n \r\n", r"train.csv: expected rows with an image and a label. Received: an empty file."),
        ("a.png,0\nb.png,1,x\n", r"train.csv, row 2: expected 2 columns. Received: 3 \('b.png,1,x'\)"),
        ("a.png,0\nb.png\n", r"train.csv, row 2: expected 2 columns. Received: 1 \('b.png'\)"),
        ("a.png\nb.png\n", r"train.csv, row 1: expected 2 columns. Received: 1 \('a.png'\)"),
        ("a.png,0\nb.png,3\n", r"train.csv, row 2: label 3 is out of range: expected 0 to 2 \(num_classes=3\)"),
        ("path,label\na.png,-1\n", r"train.csv, row 2: label -1 is out of range: expected 0 to 2"),
        ("a.png,0.5\n", r"train.csv, row 1: label '0.5' is not a whole number from 0 to 2; give `class_names`"),
        ("a.png,0\nb.png,cat\n", r"train.csv, row 2: label 'cat' is not a whole number"),
        ("a.png,0\n,1\n", r"train.csv, row 2: the path of the image is empty"),
        ('a.png,0\n"b.png,1\n', r"train.csv, row 2: not a CSV row"),
    ],
)
def test_broken_rows_stop_with_file_and_row(folder, text, message):
    write(folder, text)
    with pytest.raises(DataError, match=message):
        counts(folder)


def test_a_file_that_is_not_there_or_no_text_is_named(folder):
    with pytest.raises(DataError, match=r"nowhere.csv: the file cannot be read \(No such file or directory\)"):
        counts(folder, train_dataset_meta=str(folder / "nowhere.csv"))
    (folder / "train.csv").write_bytes(b"a.png,0\n\xff\xfe,1\n")
    with pytest.raises(DataError, match=r"train.csv: expected text in UTF-8. Received: byte 0xff at offset 8"):
        counts(folder)


def png16():
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


def cmyk():
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (10, 200, 90)).convert("CMYK").save(buffer, "JPEG")
    return buffer.getvalue()


BROKEN = {
    "truncated": (
        _files.encoded(_files.images(1, 8, 8)[0])[:-30],
        "the PNG does not decode; the file may be truncated",
    ),
    "text": (
        b"hello",
        "not an image: expected PNG, JPEG, WebP, BMP or GIF. Received: a file that begins with b'hello'",
    ),
    "tiny": (
        _files.encoded(_files.images(1, 1, 1)[0]),
        r"the image has 1x1 pixels .*: expected at least min_image_side=2",
    ),
    "empty": (b"", "the file is empty"),
    "missing": (None, "there is no such file"),
}


def spoil(folder, kind, index=3):
    path = folder / f"train/{index}.png"
    contents, _ = BROKEN[kind]
    path.unlink() if contents is None else path.write_bytes(contents)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_image_is_named_with_file_and_row_from_memory(folder, kind):
    spoil(folder, kind)
    with pytest.raises(DataError, match=rf"train.csv, row 4: .*train/3.png: {BROKEN[kind][1]}"):
        build(folder).input_fn()


@pytest.fixture
def many(tmp_path):
    """Returns a folder of 64 images; the sample of 16 that is looked at before the start leaves out number 20."""
    _files.write_csv(tmp_path, count=64)
    return tmp_path


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_image_fails_the_pipeline_and_is_diagnosed(many, kind):
    spoil(many, kind, 20)
    inputter = build(many, cache="never", batch_size_per_gpu=8)
    with pytest.raises(tf.errors.OpError):
        list(inputter.input_fn().take(8))
    with pytest.raises(DataError, match=rf"train.csv, row 21: .*train/20.png: {BROKEN[kind][1]}"):
        raise inputter.diagnose("train", 0)


@pytest.mark.parametrize("cache", ["auto", "never"])
def test_a_broken_image_in_the_sample_stops_before_the_first_step(folder, cache):
    spoil(folder, "text")
    with pytest.raises(DataError, match=r"row 4: .*on_bad_example=\"skip\" goes on without such examples"):
        build(folder, cache=cache).input_fn()


def test_only_the_steps_asked_for_are_diagnosed(many):
    spoil(many, "text", 20)
    inputter = build(many, cache="never", batch_size_per_gpu=16)
    order = inputter.order("train")
    bad_step = next(step for step in range(4) if 20 in order.rows(tf.constant(step)).index.numpy())
    for step in range(4):
        assert (inputter.diagnose("train", step, steps=1) is not None) == (step == bad_step)


@pytest.mark.parametrize("cache", ["auto", "never"])
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_images_are_skipped_and_counted(folder, kind, cache, caplog):
    spoil(folder, kind)
    spoil(folder, kind, 5)
    inputter = build(folder, on_bad_example="skip", cache=cache)
    with caplog.at_level(logging.WARNING):
        assert inputter.get_num_samples() == 4
        assert inputter.class_counts() == (1, 2, 1)
        assert len(_files.take(inputter, 4)) == 4
    assert [(bad.row, bad.file) for bad in inputter.skipped] == [
        (4, str(folder / "train.csv")),
        (6, str(folder / "train.csv")),
    ]
    assert len(caplog.records) == 1
    assert "train: skipped 2 bad examples; the first is" in caplog.text
    report = inputter.inspect()
    assert [bad.row for bad in report.bad] == [4, 6]
    assert "bad: 2 examples" in str(report)


def test_broken_rows_are_skipped_and_counted(folder):
    write(folder, GOOD + "x.png\ntrain/0.png,7\ntrain/1.png,red\n")
    inputter = build(folder, on_bad_example="skip")
    assert inputter.get_num_samples() == 6
    assert sorted(bad.row for bad in inputter.skipped) == [7, 8, 9]


def test_sixteen_bit_and_cmyk_images_are_converted(folder):
    (folder / "train/0.png").write_bytes(png16())
    (folder / "train/1.png").write_bytes(cmyk())
    batches = _files.take(build(folder, batch_size_per_gpu=6), 1, "train", overfit_one_batch=True)
    assert build(folder).inspect().splits["train"].channels == {1: 1, 3: 5}
    means = [image.mean(axis=(0, 1)).round() for image in batches[0]["image"]]
    assert any((mean == 40_000 >> 8).all() for mean in means)
    # A flat colour through CMYK and back: within 3 of 255.
    assert any(np.allclose(mean, (10, 200, 90), atol=3) for mean in means)


@pytest.mark.parametrize("augmenter", [cifar_augmenter, None], ids=["augmented", "plain"])
def test_images_of_several_sizes_give_the_same_bits_from_memory_and_from_files(tmp_path, augmenter):
    _files.write_csv(tmp_path, count=9, sizes=[(8, 8), (12, 9), (8, 10)])
    mixed = [build(tmp_path, augmenter=augmenter, cache=cache) for cache in ("auto", "never")]
    _files.same(_files.take(mixed[0], 6), _files.take(mixed[1], 6))
    report = mixed[0].inspect().splits["train"]
    assert (report.heights, report.widths) == ((8, 12), (8, 10))


@pytest.mark.parametrize("augmenter", [cifar_augmenter, None], ids=["augmented", "plain"])
@pytest.mark.parametrize("batch", [5, 8])
def test_one_image_of_another_size_among_many_changes_nothing(tmp_path, augmenter, batch):
    # The sample of 16 that is looked at before the start does not meet number 20 of 64.
    _files.write_csv(tmp_path, count=64, sizes=[(8, 8)] * 20 + [(11, 9)] + [(8, 8)] * 43)
    inputters = [
        build(tmp_path, augmenter=augmenter, cache=cache, batch_size_per_gpu=batch) for cache in ("auto", "never")
    ]
    steps = -(-64 // batch)
    _files.same(_files.take(inputters[0], steps), _files.take(inputters[1], steps))
    _files.same(
        _files.take(build(tmp_path, augmenter=augmenter, cache="never", batch_size_per_gpu=64), 1)[:1],
        _files.take(build(tmp_path, augmenter=augmenter, batch_size_per_gpu=64), 1),
    )


def test_a_cache_that_is_too_small_is_given_up(folder):
    limited = build(folder, cache_limit_mb=1e-3)
    _files.same(_files.take(limited, 3), _files.take(build(folder), 3))
    assert limited._splits.ready("train").store is None
    assert build(folder)._splits.ready("train").store is not None


def test_a_cache_that_proves_too_small_on_the_way_is_given_up(tmp_path):
    # The sample meets only small images; the large one is found while filling.
    _files.write_csv(tmp_path, count=64, sizes=[(8, 8)] * 20 + [(200, 200)] + [(8, 8)] * 43)
    for policy in ("stop", "skip"):
        limited = build(tmp_path, cache_limit_mb=0.02, on_bad_example=policy)
        _files.same(_files.take(limited, 3), _files.take(build(tmp_path), 3))
        assert limited._splits.ready("train").store is None


def test_a_part_of_the_training_data_is_held_out(tmp_path):
    _files.write_csv(tmp_path, count=30)
    inputter = build(tmp_path, validation_fraction=0.2)
    assert inputter.class_counts() == (8, 8, 8)
    assert inputter.class_counts("evaluate") == (2, 2, 2)


def test_evaluation_alone_needs_no_training_data(folder):
    inputter = build(folder, train_dataset_meta=(), dataset_meta=str(folder / "train.csv"), mode="evaluate")
    assert (inputter.get_num_samples(), inputter.get_num_samples("evaluate")) == (0, 6)
    assert len(_files.take(inputter, -1, "evaluate")) == 3


def test_an_image_to_predict_on_that_is_broken_is_named_and_its_place_kept(folder):
    spoil(folder, "text", 1)
    samples = tuple(str(folder / path) for path in SIX[:3])
    with pytest.raises(DataError, match=rf"{samples[1]}: not an image"):
        build(folder, test_samples=samples).input_fn("infer")
    skipping = build(folder, test_samples=samples, on_bad_example="skip")
    assert [batch["index"].tolist() for batch in _files.take(skipping, -1, "infer")] == [[0, 2]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"delimiter": ",,"}, "`delimiter` must be one character. Received: delimiter=',,'"),
        ({"quotechar": ""}, "`quotechar` must be one character. Received: quotechar=''"),
        ({"image_column": -1}, "`image_column` must be at least 0. Received: image_column=-1"),
        ({"label_column": 0}, "`label_column` must be at least 0 and not image_column=0. Received: label_column=0"),
    ],
)
def test_impossible_settings_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        csv_inputter.Config(**fields)
