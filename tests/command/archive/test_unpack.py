"""Tests of unpacking, with archives that want out of their folder."""

import gzip
import io
import lzma
import os
import random
import struct
import tarfile
import zipfile

import pytest

from source.command.archive.limits import Limits
from source.command.archive.unpack import unpack
from source.config.errors import DataError
from tests.command.archive.archives import FILES, contents, make_gzip, make_tar, make_zip, make_zip_link, member


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "inside" / "folder"
    folder.mkdir(parents=True)
    return folder


def refused(archive, folder, match, limits=None):
    before = {path: path.lstat().st_mtime_ns for path in folder.parent.parent.iterdir()}
    with pytest.raises(DataError, match=match) as caught:
        unpack(archive, folder, limits)
    assert str(caught.value).startswith(f"{archive}: ")
    after = {path: path.lstat().st_mtime_ns for path in folder.parent.parent.iterdir()}
    assert before == after and list(folder.parent.iterdir()) == [folder]  # nothing was written outside
    assert not any(path.is_symlink() for path in folder.rglob("*"))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_tar_archives_are_unpacked_whatever_they_are_called(tmp_path, folder, mode):
    out = unpack(make_tar(tmp_path / "archive.bin", mode=mode), folder)
    assert contents(folder) == FILES and (out.files, out.bytes) == (3, 305)
    assert (folder / "data/a.txt").stat().st_mode & 0o111 == 0  # no mode is taken over


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names_are_taken(tmp_path, folder, form):
    name = "/".join(["a" * 60] * 3)
    with tarfile.open(tmp_path / "a.tar", "w", format=form) as archive:
        archive.addfile(member(name))
    assert list(contents(unpack(tmp_path / "a.tar", folder) and folder)) == [name]


def test_zip_archives_are_unpacked(tmp_path, folder):
    out = unpack(make_zip(tmp_path / "a.zip", {**FILES, "folder/": b""}), folder)
    assert contents(folder) == FILES and out.files == 3 and (folder / "folder").is_dir()


def test_a_single_file_loses_its_suffix(tmp_path, folder):
    unpack(make_gzip(tmp_path / "train.csv.gz", b"a,b\n"), folder)
    assert contents(folder) == {"train.csv": b"a,b\n"}


def test_links_within_the_archive_become_copies(tmp_path, folder):
    links = [member("data/hard", tarfile.LNKTYPE, "data/a.txt"), member("data/b/soft", tarfile.SYMTYPE, "../a.txt")]
    unpack(make_tar(tmp_path / "a.tar", FILES, *links), folder)
    assert contents(folder)["data/hard"] == contents(folder)["data/b/soft"] == b"first"
    assert not (folder / "data/b/soft").is_symlink() and (folder / "data/hard").stat().st_nlink == 1


NAMES = {
    "../out": "leads out of the folder",
    "a/../../out": "leads out of the folder",
    "/tmp/out": "is an absolute path",
    "C:/out": "is an absolute path",
    "c:out": "is an absolute path",
    "..\\out": "holds a backslash or a control character",
    "a\nb": "holds a backslash or a control character",
    "/".join("a" * 65): "is too long or too deep",
    "é" * 128: "is too long or too deep",
}


@pytest.mark.parametrize(("name", "why"), NAMES.items(), ids=range(len(NAMES)))
def test_names_that_lead_elsewhere_are_refused(tmp_path, folder, name, why):
    refused(make_tar(tmp_path / "a.tar", {"ok": b"", name: b"x"}), folder, why)
    refused(make_zip(tmp_path / "a.zip", {"fine": b"", name: b"x"}), folder, why)


def test_a_name_cut_by_a_zero_is_refused(tmp_path, folder):
    make_zip(tmp_path / "a.zip", {"abXcd": b"x"})
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes().replace(b"abXcd", b"ab\0cd"))
    refused(tmp_path / "a.zip", folder, "holds a backslash or a control character|damaged")


LINKS = [
    ([member("l", tarfile.SYMTYPE, "/etc/passwd")], "is a link out of the folder, to `/etc/passwd`"),
    ([member("a/l", tarfile.SYMTYPE, "../../x")], "is a link out of the folder"),
    ([member("l", tarfile.SYMTYPE, "..")], "is a link out of the folder"),
    ([member("l", tarfile.SYMTYPE, "."), member("l/x")], "is a link to `.`, which is no file before it"),
    ([member("d", tarfile.DIRTYPE), member("l", tarfile.SYMTYPE, "d"), member("l/x")], "which is no file before it"),
    ([member("l", tarfile.LNKTYPE, "/etc/passwd")], "`/etc/passwd` is an absolute path"),
    ([member("l", tarfile.LNKTYPE, "../x")], "`../x` leads out of the folder"),
    ([member("l", tarfile.LNKTYPE, "later"), member("later")], "which is no file before it"),
    ([member("l", tarfile.SYMTYPE, "l")], "which is no file before it"),
    ([member("p", tarfile.FIFOTYPE)], "`p` is a device or a pipe"),
    ([member("p", tarfile.CHRTYPE)], "`p` is a device or a pipe"),
    ([member("p", tarfile.BLKTYPE)], "`p` is a device or a pipe"),
    ([member("a"), member("a")], "`a` is there twice"),
    ([member("a"), member("./a")], "`./a` is there twice"),
    ([member("a"), member("a/b")], "`a/b` is below a file"),
    ([member("a/b"), member("a")], "`a` is there twice"),
    ([member("a"), member("a", tarfile.DIRTYPE)], "`a` is a file and a folder at once"),
]


@pytest.mark.parametrize(("members", "why"), LINKS, ids=range(len(LINKS)))
def test_links_devices_and_doubles_are_refused(tmp_path, folder, members, why):
    refused(make_tar(tmp_path / "a.tar", {}, *members), folder, why)


def test_links_and_encryption_in_zip_archives_are_refused(tmp_path, folder):
    refused(make_zip_link(tmp_path / "a.zip", "l", "/etc/passwd"), folder, "`l` is a link or a device")
    data = bytearray(make_zip(tmp_path / "b.zip", {"a": b"x"}).read_bytes())
    data[6] |= 1  # of the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # of the directory
    (tmp_path / "b.zip").write_bytes(data)
    refused(tmp_path / "b.zip", folder, "`a` is encrypted")


def test_no_file_of_a_folder_is_written_over(tmp_path, folder):
    (folder / "data").mkdir()
    (folder / "data/a.txt").write_text("mine")
    refused(make_tar(tmp_path / "a.tar"), folder, "`data/a.txt` is there twice")
    assert (folder / "data/a.txt").read_text() == "mine"


LIMITS = Limits(bytes=10_000, files=5)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_bombs_stop_at_the_limit(tmp_path, folder, mode):
    refused(make_tar(tmp_path / "a.tar", {"a": bytes(10_001)}, mode=mode), folder, r"more than 1e-05 GB", LIMITS)
    many = {str(place): b"" for place in range(6)}
    refused(
        make_tar(tmp_path / "b.tar", many, mode=mode), folder, r"holds more than 5 files\. See --limit_files", LIMITS
    )
    assert sum(map(len, contents(folder).values())) <= 10_000


def test_many_small_files_come_to_the_limit_too(tmp_path, folder):
    parts = {str(place): bytes(4_000) for place in range(3)}
    refused(make_zip(tmp_path / "a.zip", parts), folder, "See --limit_gb", LIMITS)


def test_a_size_that_is_a_lie_is_found(tmp_path, folder):
    data = bytearray(make_zip(tmp_path / "a.zip", {"a": bytes(1_000_000)}).read_bytes())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.index(mark) + place
        data[start : start + 4] = struct.pack("<I", 5)
    (tmp_path / "a.zip").write_bytes(data)
    refused(tmp_path / "a.zip", folder, "damaged", LIMITS)
    refused(make_gzip(tmp_path / "b.gz", bytes(1_000_000)), folder, "more than 1e-05 GB", LIMITS)


def test_a_file_with_holes_counts_whole(tmp_path, folder):
    # A GNU sparse file: one byte stored, a terabyte long.
    header = bytearray(member("sparse", tarfile.GNUTYPE_SPARSE, size=512).tobuf(tarfile.GNU_FORMAT))
    header[386:398], header[398:410] = b"%011o\0" % 0, b"%011o\0" % 1
    header[483:495] = b"\x80" + (10**12).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "a.tar").write_bytes(bytes(header) + bytes(512) + bytes(1024))
    refused(tmp_path / "a.tar", folder, "See --limit_gb")


def test_a_header_that_wants_much_memory_is_refused(tmp_path, folder):
    header = member("x", tarfile.XHDTYPE, size=1 << 34).tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "a.tar").write_bytes(header + bytes(4096))
    refused(tmp_path / "a.tar", folder, "a header is longer than 16 MiB|damaged")


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.xz", "zip", "gz"])
def test_an_archive_that_is_cut_off_is_refused(tmp_path, folder, suffix):
    noise = {"a": random.Random(1).randbytes(30_000), "b": b"x"}
    path = tmp_path / f"a.{suffix}"
    if suffix == "zip":
        make_zip(path, noise)
    elif suffix == "gz":
        make_gzip(path, noise["a"])
    else:
        make_tar(path, noise, mode=f"w:{suffix.partition('.')[2]}")
    whole = path.read_bytes()
    cuts = [len(whole) // 2, len(whole) - 5, 31 * 1024] if suffix != "tar" else [len(whole) // 2, 512, 31 * 1024]
    for number, cut in enumerate(cuts):
        path.write_bytes(whole[: min(cut, len(whole) - 1)])
        (folder / str(number)).mkdir()
        with pytest.raises(DataError, match=r"is damaged or cut off|expected an archive|no files"):
            unpack(path, folder / str(number))


def test_a_tar_archive_cut_between_two_files_is_refused(tmp_path, folder):
    make_tar(tmp_path / "a.tar", {"a": b"x", "b": b"y"})
    data = (tmp_path / "a.tar").read_bytes()[:1024]  # the header of `a`, its content, and nothing
    (tmp_path / "a.tar").write_bytes(data)
    refused(tmp_path / "a.tar", folder, "it does not end where its last file does")
    (tmp_path / "b.tar").write_bytes(data + b"no header".ljust(512, b"x") + bytes(1024))
    refused(tmp_path / "b.tar", folder, "is there twice|it does not end where its last file does")


def test_flipped_bytes_are_found_by_checksums(tmp_path, folder):
    noise = random.Random(2).randbytes(20_000)
    for place, path in enumerate(
        [make_tar(tmp_path / "a.tgz", {"a": noise}, mode="w:gz"), make_zip(tmp_path / "a.zip", {"a": noise})]
    ):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x10
        path.write_bytes(data)
        (folder / str(place)).mkdir()
        with pytest.raises(DataError, match="is damaged or cut off"):
            unpack(path, folder / str(place))


@pytest.mark.parametrize("data", [b"", b"no archive", b"BZh91AY&SY", bytes(100), b"\x1f\x8b", b"PK\x03\x04"])
def test_other_files_are_refused(tmp_path, folder, data):
    (tmp_path / "a.tar").write_bytes(data)
    refused(tmp_path / "a.tar", folder, r"expected an archive of the kinds \.zip, \.tar|damaged")


def test_an_archive_without_files_is_refused(tmp_path, folder):
    refused(make_tar(tmp_path / "a.tar.gz", {}, mode="w:gz"), folder, "there are no files in this archive")
    refused(make_tar(tmp_path / "a.tar", {}), folder, "expected an archive of the kinds")
    refused(make_zip(tmp_path / "a.zip", {}), folder, "there are no files in this archive")
    refused(tmp_path / "none.tar", folder, "cannot be unpacked: No such file or directory")


def test_random_changes_end_in_files_or_one_message(tmp_path, folder):
    draw = random.Random(3)
    seeds = [make_tar(tmp_path / "s.tar").read_bytes(), make_zip(tmp_path / "s.zip").read_bytes()]
    seeds += [gzip.compress(seeds[0]), lzma.compress(seeds[0])]
    messages = []
    for number in range(300):
        data = bytearray(draw.choice(seeds))
        for _ in range(draw.randint(1, 6)):
            data[draw.randrange(min(len(data), 2048))] = draw.randrange(256)
        (tmp_path / "a.bin").write_bytes(data)
        (folder / str(number)).mkdir()
        try:
            unpack(tmp_path / "a.bin", folder / str(number), Limits(bytes=10**6, files=100))
        except DataError as error:
            messages.append(str(error))
    assert len(messages) > 50 and not any("\n" in message for message in messages)
    assert sorted(os.listdir(folder.parent)) == ["folder"]
    assert not any(path.is_symlink() for path in folder.rglob("*"))


def test_zip_with_an_unknown_compression_is_refused(tmp_path, folder):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", b"x")
    data = bytearray(stream.getvalue())
    data[8] = 97
    data[data.index(b"PK\x01\x02") + 10] = 97
    (tmp_path / "a.zip").write_bytes(data)
    refused(tmp_path / "a.zip", folder, "That compression method is not supported")
