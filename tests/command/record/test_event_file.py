"""Tests of reading event files, against records made by hand and against what TensorFlow writes."""

import struct

import pytest

from source.callback._event_file import EventFile as Writer
from source.command.record.event_file import Point, Restart, checksum, read_event_file
from source.config.errors import DataError
from tests.command.record.events import block, event, record, restart, scalar, tensor, varint, write


@pytest.mark.parametrize(
    ("data", "crc"),
    [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],  # RFC 3720, B.4
)
def test_the_checksum_is_the_masked_crc_of_the_standard(data, crc):
    assert checksum(data) == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def test_scalars_and_restarts_are_read_in_their_order(tmp_path):
    path = write(tmp_path, scalar(1, "loss", 0.1), restart(1), scalar(1, "loss", -2.5))
    read = read_event_file(path)
    assert read.entries == (Point("loss", 1, 0.1, 1001.0), Restart(1), Point("loss", 1, -2.5, 1001.0))
    assert read.fault is None


def test_what_the_callbacks_write_is_read(tmp_path):
    writer = Writer(tmp_path, clock=lambda: 12.5)
    writer.scalars({"loss": 0.3, "accuracy": float("nan")}, 7)
    import numpy as np

    writer.histogram("weights", np.arange(9.0), 7)
    writer.drop_after(7)
    writer.close()
    [path] = tmp_path.iterdir()
    first, second, third = read_event_file(path).entries
    assert first == Point("loss", 7, 0.3, 12.5) and third == Restart(8)
    assert second.tag == "accuracy" and second.value != second.value


def test_what_tensorflow_writes_is_read(tmp_path):
    import tensorflow as tf

    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tf.summary.scalar("loss", 1 / 3, step=2)
        tf.summary.scalar("count", tf.constant(-5, tf.int64), step=3)
        tf.summary.histogram("weights", [1.0, 2.0], step=3)
        tf.summary.text("note", "words", step=3)
    [path] = tmp_path.iterdir()
    found = [(point.tag, point.step, point.value) for point in read_event_file(path).entries]
    assert found == [("loss", 2, 0.33333334), ("count", 3, -5.0)]


@pytest.mark.parametrize(
    ("proto", "value"),
    [
        (b"\x08\x01" + block(4, struct.pack("<f", 0.7)), 0.7),
        (b"\x08\x02" + block(4, struct.pack("<d", 1 / 3)), 1 / 3),
        (b"\x08\x01" + block(5, struct.pack("<f", 0.7)), 0.7),
        (b"\x08\x01\x2d" + struct.pack("<f", 0.7), 0.7),
        (b"\x08\x03" + block(7, varint(-4)), -4.0),
        (b"\x08\x09\x50" + varint(-4), -4.0),
        (b"\x08\x09", 0.0),
    ],
)
def test_a_tensor_without_dimensions_is_a_scalar(tmp_path, proto, value):
    [point] = read_event_file(write(tmp_path, tensor(1, "x", proto))).entries
    assert point.value == value


@pytest.mark.parametrize(
    "record_of_another_kind",
    [
        tensor(1, "x", b"\x08\x01" + block(2, block(2, b"\x08\x02")) + block(4, bytes(8))),
        tensor(1, "x", b"\x08\x07" + block(8, b"text")),
        tensor(1, "x", b"\x08\x01" + block(4, bytes(4)), plugin="text"),
        event(1, block(5, block(1, block(1, b"x") + block(5, b"")))),
        event(1, block(7, b"\x08\x02")),
    ],
)
def test_what_is_no_scalar_is_passed_over(tmp_path, record_of_another_kind):
    assert read_event_file(write(tmp_path, record_of_another_kind)).entries == ()


def test_the_largest_float_is_read_as_it_is(tmp_path):
    largest = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
    [point] = read_event_file(write(tmp_path, scalar(1, "x", largest))).entries
    assert struct.pack("<f", point.value) == b"\xff\xff\x7f\x7f"


FIRST = len(event(0, block(3, b"brain.Event:2")))
SECOND = FIRST + len(scalar(1, "loss", 1.0))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda data: data[:-1], f"the file ends within the record at byte {SECOND}"),
        (lambda data: data[: SECOND + 5], f"the file ends within the record at byte {SECOND}"),
        (lambda data: data[:-9] + b"\x55" + data[-8:], f"the record at byte {SECOND} is damaged in its data"),
        (lambda data: data[:SECOND] + b"\xff" + data[SECOND + 1 :], f"at byte {SECOND} is damaged in its length"),
        (lambda data: data[:SECOND] + record(b"\x07"), f"the record at byte {SECOND} is no event"),
        (lambda data: data[:SECOND] + record(b"\x00\x01"), f"the record at byte {SECOND} is no event"),
        (lambda data: data[:SECOND] + record(b"\x09\x01"), f"the record at byte {SECOND} is no event"),
        (lambda data: data[:SECOND] + record(b"\xff" * 12), f"the record at byte {SECOND} is no event"),
        (lambda data: data[:SECOND] + record(b"\x28\x01"), f"the record at byte {SECOND} is no event"),
        (lambda data: data[:SECOND] + event(2, block(5, block(1, block(1, b"\xff") + b"\x15" + bytes(4)))), "no event"),
        (lambda data: data[:SECOND] + event(2, block(5, block(1, block(1, b"x") + b"\x10\x01"))), "no event"),
    ],
)
def test_a_damaged_end_is_reported_and_what_stands_before_is_kept(tmp_path, change, fault):
    path = write(tmp_path, scalar(1, "loss", 1.0), scalar(2, "loss", 2.0))
    path.write_bytes(change(path.read_bytes()))
    read = read_event_file(path)
    assert [entry.step for entry in read.entries] == [1]
    assert fault in read.fault and read.fault.startswith(f"{path}: ") and "what stands before is kept" in read.fault


def test_a_missing_file_is_a_mistake_of_one_line(tmp_path):
    with pytest.raises(DataError, match="none: No such file or directory"):
        read_event_file(tmp_path / "none")
