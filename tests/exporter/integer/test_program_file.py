"""Tests of the file of a program."""

import io
import json
import zipfile

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.integer.program import run
from source.exporter.integer.program_file import FORMAT, kind_of, read_program, write_program
from source.exporter.integer_lowering.lower import lowered
from tests.exporter.integer.test_program import program
from tests.exporter.integer_models import images, residual_model


def entries(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(path, target, **changes):
    """Writes a file with some entries replaced, and the header changed by a function."""
    found = entries(path)
    if "header" in changes:
        header = json.loads(np.load(io.BytesIO(found["program.npy"])).tobytes())
        changes.pop("header")(header)
        buffer = io.BytesIO()
        np.save(buffer, np.frombuffer(json.dumps(header).encode(), np.uint8))
        found["program.npy"] = buffer.getvalue()
    for name, array in changes.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        found[f"{name}.npy"] = buffer.getvalue()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in found.items():
            archive.writestr(name, data)
    return target


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "network.npz"
    write_program(program(), path)
    return path


def test_what_is_read_computes_what_was_written(tmp_path):
    made = lowered(residual_model())
    path = tmp_path / "network.npz"
    write_program(made, path)
    read = read_program(path)
    assert read.tensors == made.tensors
    assert [kind_of(each) for each in read.operations] == [kind_of(each) for each in made.operations]
    codes = made.tensors[made.inputs[0]].rounded(images())
    assert np.array_equal(run(read, [codes])[0], run(made, [codes])[0])


def test_numpy_reads_every_array_and_the_same_program_is_the_same_file(file, tmp_path):
    again = tmp_path / "again.npz"
    write_program(program(), again)
    assert file.read_bytes() == again.read_bytes()
    with np.load(file, allow_pickle=False) as arrays:
        header = json.loads(arrays["program"].tobytes())
        assert (header["format"], header["version"], header["rounding"]) == (FORMAT, 1, "single")
        [weights] = [each["weights"] for each in header["operations"] if each["kind"] == "dense"]
        assert arrays[weights["array"]].dtype == np.int8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"header": lambda h: h.update(version=2)}, "of version 1. Received: .* of version 2"),
        ({"header": lambda h: h.update(format="x")}, "expected `espalier integer program`"),
        ({"header": lambda h: h.pop("tensors")}, "not as it should be: KeyError"),
        ({"header": lambda h: h["operations"][0].update(kind="exec")}, "not as it should be: KeyError"),
        ({"header": lambda h: h["operations"][0].update(limits=[0])}, "`limits` has 2 numbers"),
        ({"header": lambda h: h["operations"][0].update(name="")}, "expected a name"),
        ({"header": lambda h: h["operations"][0].update(weights={"array": "a99"})}, "KeyError"),
        ({"header": lambda h: h["tensors"][0].update(low=0.5)}, "a whole number of 32 bits. Received: 0.5"),
        ({"header": lambda h: h["tensors"][0].update(low=1 << 40)}, "a whole number of 32 bits"),
        ({"header": lambda h: h["tensors"].append(h["tensors"][0])}, "names that are there once"),
        ({"header": lambda h: h["tensors"][0].update(shape=[1 << 30])}, "at most 2\\^28 numbers"),
        ({"header": lambda h: h.update(rounding=["single"])}, "rounding: expected one of"),
        ({"a0": np.zeros(3)}, "expected an array of int8, int16, int32, uint8 in C order. Received: float64"),
        ({"a0": np.zeros(3, object)}, "expected an array of"),
    ],
)
def test_programs_that_are_not_as_they_should_be_are_refused(file, tmp_path, change, message):
    path = changed(file, tmp_path / "changed.npz", **change)
    with pytest.raises(DataError, match=f"changed.npz: .*{message}"):
        read_program(path)


def test_a_shape_that_the_bytes_do_not_fill_allocates_nothing(file, tmp_path):
    found = entries(file)
    found["a0.npy"] = found["a0.npy"].replace(b"(3,), }     ", b"(3000000,), }")
    path = tmp_path / "changed.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in found.items():
            archive.writestr(name, data)
    with pytest.raises(DataError, match=r"a0.npy: shape \(3000000,\) needs 12000000 bytes\. Received: "):
        read_program(path)


def test_compressed_entries_are_refused(file, tmp_path):
    path = tmp_path / "changed.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries(file).items():
            archive.writestr(name, data)
    with pytest.raises(DataError, match="expected entries that are stored, not compressed"):
        read_program(path)


def test_files_that_are_missing_or_of_another_kind_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.npz: no file that can be read"):
        read_program(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(DataError, match=r"text\.npz: no file that can be read"):
        read_program(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", x=np.zeros(3, np.int8))
    with pytest.raises(DataError, match=r"other.npz: .*KeyError\('program'\)"):
        read_program(tmp_path / "other.npz")


def test_broken_files_are_refused_or_read_as_programs_that_can_run(file, tmp_path):
    """Every cut and 300 changed bytes: an error of ours, or a program that passed all checks."""
    data, random = file.read_bytes(), np.random.default_rng(0)
    path = tmp_path / "broken.npz"
    refused = 0
    broken = [data[:length] for length in range(0, len(data), 97)]
    for _ in range(300):
        flipped = bytearray(data)
        flipped[random.integers(len(data))] ^= 1 << random.integers(8)
        broken.append(bytes(flipped))
    for each in broken:
        path.write_bytes(each)
        try:
            read_program(path)
        except DataError:
            refused += 1
    # Bits of an archive that say nothing, such as dates, may change.
    assert refused > 0.8 * len(broken)
