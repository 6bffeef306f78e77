"""Tests of the packed file: its frame to the byte, what is refused, and that it is read without Keras."""

import subprocess
import sys
import zlib
from hashlib import blake2b

import numpy as np
import pytest

from source.config.errors import ConfigError, DataError
from source.exporter import container
from source.exporter.container import packed
from source.exporter.container.architecture import Weight
from source.exporter.container.byte_stream import varint
from source.exporter.container.common_words import WORDS

DESCRIBED = {"class_name": "Mine", "config": {"width": 3}}


def weights():
    draw = np.random.default_rng(18)
    kernel = draw.integers(-7, 8, (40, 30)).astype(np.float32) * np.float32(0.1) + 0
    return [
        (Weight("a/kernel", "float32", (40, 30)), kernel),
        (Weight("a/bias", "float32", (30,)), draw.normal(size=30).astype(np.float32)),
        (Weight("a/half", "bfloat16", (2,)), np.array([0x3F80, 0xC000], np.uint16)),
        (Weight("a/seed", "uint32", (2,)), np.array([1, 2**32 - 1], np.uint32)),
        (Weight("a/flags", "bool", (3,)), np.array([True, False, True])),
    ]


def sealed(body):
    """Returns a file with a right length and checksum around the body."""
    head = b"\x89ESP\x01"
    size = len(head) + 2 + len(body) + 8
    framed = head + bytes([size % 128 + 128, size // 128]) + body
    return framed + blake2b(framed, digest_size=8).digest()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.esp"


def test_the_frame_by_hand(path):
    described, [bias] = {"class_name": "M"}, [(Weight("b", "float32", (2,)), np.float32([1.0, 1.0]))]
    text = b'{"e":["b 2"],"s":{"class_name":"M"}}'
    pack = zlib.compressobj(9, zlib.DEFLATED, -15, 9, 0, WORDS)
    deflated = pack.compress(text) + pack.flush()
    tensor = bytes.fromhex("0001") + bytes.fromhex("0000803f")
    body = bytes([len(text), len(deflated)]) + deflated + bytes([len(tensor)]) + tensor
    framed = b"\x89ESP" + b"\x01" + bytes([4 + 1 + 1 + len(body) + 8]) + body
    assert packed.written(described, [bias]) == framed + blake2b(framed, digest_size=8).digest()


def test_all_comes_back_and_the_same_model_is_the_same_bytes(path):
    data = packed.written(DESCRIBED, weights())
    assert data == packed.written(DESCRIBED, weights())
    path.write_bytes(data)
    file = container.read(path)
    assert file.architecture == DESCRIBED
    assert file.weights == [each for each, _ in weights()]
    assert list(file.tensors) == ["a/kernel", "a/bias", "a/half", "a/seed", "a/flags"] and len(file.tensors) == 5
    for each, array in weights():
        assert file.patterns(file.weights.index(each)).tobytes() == array.tobytes()
    assert file.tensors["a/half"].dtype == np.float32
    assert file.tensors["a/half"].tolist() == [1.0, -2.0]
    assert file.tensors["a/flags"].tolist() == [True, False, True]
    assert file.tensors["a/seed"].tolist() == [1, 2**32 - 1]


def test_the_description_adds_up_to_the_file(path):
    path.write_bytes(packed.written(DESCRIBED, weights()))
    file = container.read(str(path))
    rows = file.describe()
    assert [row.path for row in rows] == list(file.tensors)
    assert rows[0].coding.startswith("grid: ") and rows[0].shape == (40, 30) and rows[0].dtype == "float32"
    assert rows[0].bits == rows[0].bytes * 8 / 1200
    lines = str(file).splitlines()
    assert len(lines) == 6 and "40x30" in lines[0]
    rest = path.stat().st_size - sum(row.bytes for row in rows)
    assert lines[-1] == f"{path}: {file.bytes:,} bytes, {rest:,} of them architecture and frame"


def test_neither_keras_nor_tensorflow_is_loaded(path):
    path.write_bytes(packed.written(DESCRIBED, weights()))
    script = (
        "import sys\nfrom source.exporter import container\n"
        f"file = container.read({str(path)!r})\n"
        "print(sum(each.size for each in file.tensors.values()), len(str(file)) > 0,"
        " sorted({'keras', 'tensorflow', 'ml_dtypes'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "1237 True []\n"


def test_a_model_above_the_limit_takes_no_codings_in_contexts(path):
    path.write_bytes(packed.written(DESCRIBED, weights(), 1000))
    codings = " ".join(row.coding for row in container.read(path).describe())
    assert "context" not in codings and "alone" not in codings


def test_a_large_constant_makes_the_file_long_enough_to_be_believed(path):
    elements = 2**20 + 4096 * 1000
    path.write_bytes(packed.written(DESCRIBED, [(Weight("w", "float32", (elements,)), np.zeros(elements, np.float32))]))
    assert 1000 <= path.stat().st_size < 1030
    assert container.read(path).tensors["w"].shape == (elements,)


def test_what_the_format_does_not_know_is_refused():
    with pytest.raises(ConfigError, match=r"^w: a packed file cannot hold complex64\. Use float64, float32, "):
        packed.written(DESCRIBED, [(Weight("w", "complex64", (1,)), np.zeros(1, np.complex64))])
    with pytest.raises(ConfigError, match=r"takes 1\d{6} bytes of text, and a packed file holds 1048576"):
        packed.written({"class_name": "a" * 2**20}, [])


def test_a_missing_file_is_refused(path):
    with pytest.raises(DataError, match=r"m\.esp: the file cannot be read: No such file or directory\."):
        container.read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"", "no packed file: it does not begin with"),
        (lambda data: b"PK" + data[2:], "no packed file: it does not begin with"),
        (lambda data: data[:8], "1 bytes are announced where 0 are left"),
        (lambda data: data[:4] + b"\x02" + data[5:], "a packed file of version 2; this Espalier reads 1"),
        (lambda data: data[:-1], r"it has \d+ bytes where its head says \d+"),
        (lambda data: data + b"\0", r"it has \d+ bytes where its head says \d+"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "the checksum is wrong"),
        (lambda data: data[:40] + bytes([data[40] ^ 128]) + data[41:], "the checksum is wrong"),
    ],
)
def test_a_broken_file_is_refused(change, message, path):
    path.write_bytes(change(packed.written(DESCRIBED, weights())))
    with pytest.raises(DataError, match=message):
        container.read(path)


def deflated(text):
    pack = zlib.compressobj(9, zlib.DEFLATED, -15, 9, 0, WORDS)
    return pack.compress(text) + pack.flush()


def body(text, *tensors, size=None):
    small = deflated(text)
    return b"".join(
        [varint(len(text) if size is None else size), varint(len(small)), small]
        + [varint(len(each)) + each for each in tensors]
    ).ljust(200, b"\0")


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        (varint(2**20 + 1) + bytes(200), "an architecture of 1048577 bytes is more than 1048576"),
        (varint(10) + varint(3) + b"\xff\xff\xff" + bytes(200), r"the architecture cannot be expanded \("),
        (body(b'{"a":1,"w":[]}', size=13), "the architecture is not of 13 bytes"),
        (body(b'{"a":1,"w":[]}', size=15), "the architecture is not of 15 bytes"),
        (body(b'{"a":1}'), r"the architecture makes no sense \(KeyError"),
        (body(b'{"a":1,"w":["\xff 1"]}'), "the architecture makes no sense"),
        (body(b'{"a":1,"w":["a complex64 1"]}'), "a: there is no tensor of complex64 with 1 axes"),
        (body(b'{"a":1,"w":["a ' + b" 1" * 33 + b'"]}'), "there is no tensor of .* with 33 axes"),
        (body(b'{"a":1,"w":["a 999999 999999 999999"]}'), "999997000002999999 elements are more than the 1929216 that"),
        (body(b'{"a":1,"w":["a 1","a 1"]}', b"\0", b"\0"), "two tensors have one name"),
        (body(b'{"a":1,"w":[]}', b"", b"\1"), "there is something behind the last tensor"),
    ],
)
def test_a_file_with_a_right_checksum_is_not_believed_either(inside, message, path):
    path.write_bytes(sealed(inside))
    with pytest.raises(DataError, match=message):
        container.read(path)


def changed(data, draw):
    """Returns a file with bytes flipped, cut, lengthened, inserted or moved."""
    at, kind = int(draw.integers(len(data))), draw.integers(5)
    noise = draw.integers(0, 256, int(draw.integers(1, 9)), np.uint8).tobytes()
    if kind == 0:
        return data[:at] + bytes([data[at] ^ int(draw.integers(1, 256))]) + data[at + 1 :]
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data + noise
    if kind == 3:
        return data[:at] + noise + data[at:]
    return data[:at] + data[at + len(noise) :]


def every_corruption_is_refused(path, count, seed):
    data = packed.written(DESCRIBED, weights())
    draw = np.random.default_rng(seed)
    for _ in range(count):
        broken = changed(data, draw)
        path.write_bytes(broken)
        if broken != data:
            with pytest.raises(DataError, match=r"m\.esp: "):
                container.read(path)


def test_hundreds_of_corruptions_are_refused(path):
    every_corruption_is_refused(path, 500, 19)


@pytest.mark.slow
def test_ten_thousand_corruptions_are_refused(path):
    every_corruption_is_refused(path, 10_000, 20)


def no_forgery_does_harm(path, count, seed):
    """Corrupts what is under the checksum; returns how many the reader refused, the others it must decode."""
    data = packed.written(DESCRIBED, weights())
    inside, draw = data[7:-8], np.random.default_rng(seed)
    refused = 0
    for _ in range(count):
        path.write_bytes(sealed(changed(inside, draw)))
        try:
            file = container.read(path)
            assert all(file.tensors[name] is not None for name in file.tensors)
            str(file)
        except DataError:
            refused += 1
    return refused


def test_forged_checksums_do_no_harm(path):
    assert sealed(packed.written(DESCRIBED, weights())[7:-8]) == packed.written(DESCRIBED, weights())
    assert no_forgery_does_harm(path, 300, 21) > 100


@pytest.mark.slow
def test_ten_thousand_forged_checksums_do_no_harm(path):
    assert no_forgery_does_harm(path, 10_000, 22) > 3000
