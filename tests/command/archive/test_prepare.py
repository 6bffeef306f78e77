"""Tests of preparing data."""

import json
import pathlib

import pytest

from source.command.archive import prepare as module
from source.command.archive.checksum import sha256_of
from source.command.archive.known import KnownData, KnownFile
from source.command.archive.limits import Limits
from source.command.archive.prepare import Order, prepare
from source.config.errors import DataError
from tests.command.archive.archives import FILES, contents, make_gzip, make_tar, make_zip
from tests.command.archive.server import serving

RECORD = ".prepared.json"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with serving() as server:
        yield server


def order(tmp_path, source, **changes):
    return Order(**{"source": str(source), "folder": None, "data_folder": tmp_path / "data", **changes})


def found(folder):
    return {name: content for name, content in contents(folder).items() if name != RECORD}


def test_an_archive_is_unpacked_into_a_folder_of_its_name(tmp_path):
    said = []
    archive = make_tar(tmp_path / "set.tar.gz", mode="w:gz")
    folder = prepare(order(tmp_path, archive), say=said.append)
    assert folder == tmp_path / "data" / "set" and found(folder) == FILES
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["set"]
    size = archive.stat().st_size
    assert said[0] == f"set.tar.gz: sha256 {sha256_of(archive)}, {size} B"
    assert said[1:] == ["unpacked 3 files, 305 B", f"prepared {folder}"]
    noted = json.loads((folder / RECORD).read_text())
    assert noted == {"files": [{"origin": str(archive), "sha256": sha256_of(archive)}]}
    assert folder.stat().st_mode & 0o777 == 0o755


def test_a_folder_of_the_same_name_in_the_archive_is_not_made_twice(tmp_path):
    folder = prepare(order(tmp_path, make_zip(tmp_path / "data.zip")), say=lambda text: None)
    assert sorted(found(folder)) == ["a.txt", "b/c.bin", "empty"]


def test_what_is_prepared_is_not_prepared_again(tmp_path):
    archive = make_zip(tmp_path / "a.zip")
    folder = prepare(order(tmp_path, archive), say=lambda text: None)
    said = []
    assert prepare(order(tmp_path, archive), say=said.append) == folder
    assert said == [f"{folder}: is there already, of the same checksum."]
    make_zip(tmp_path / "a.zip", {"other": b"x"})
    with pytest.raises(DataError, match="is there already, and nothing is written over it"):
        prepare(order(tmp_path, archive), say=lambda text: None)
    assert found(folder) == FILES


def test_nothing_is_written_over_what_is_there(tmp_path):
    archive = make_zip(tmp_path / "a.zip")
    (tmp_path / "mine").mkdir()
    folder = prepare(order(tmp_path, archive, folder=tmp_path / "mine"), say=lambda text: None)
    assert found(folder) == FILES  # an empty folder may be there
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    with pytest.raises(DataError, match=r"full: is there already.* Remove it, or name another: --to FOLDER"):
        prepare(order(tmp_path, archive, folder=tmp_path / "full"))
    with pytest.raises(DataError, match=r"file: is there already, and no folder\. Name another"):
        prepare(order(tmp_path, archive, folder=tmp_path / "full" / "file"))
    for place in (pathlib.Path(), pathlib.Path("..")):
        with pytest.raises(DataError, match="expected the name of a new folder"):
            prepare(order(tmp_path, archive, folder=place))
    with pytest.raises(DataError, match="a cannot be prepared: Not a directory"):
        prepare(order(tmp_path, archive, folder=tmp_path / "full" / "file" / "a"))
    assert found(tmp_path / "full") == {"file": b"mine"}


def test_a_hostile_archive_leaves_nothing(tmp_path):
    archive = make_tar(tmp_path / "a.tar", {"ok": b"x", "../out": b"x"})
    with pytest.raises(DataError, match="leads out of the folder"):
        prepare(order(tmp_path, archive), say=lambda text: None)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.tar"]
    with pytest.raises(DataError, match=r"the archive holds a file \.prepared\.json"):
        prepare(order(tmp_path, make_zip(tmp_path / "b.zip", {RECORD: b"{}"})), say=lambda text: None)


def test_an_address_needs_a_checksum_or_the_word_that_there_is_none(tmp_path, server):
    archive = make_gzip(tmp_path / "a.csv.gz", b"a,b\n")
    server.files["x/a.csv.gz"] = archive.read_bytes()
    url = server.url("x/a.csv.gz")
    with pytest.raises(DataError, match=r"expected the SHA-256 that it is published with: --sha256 HEX"):
        prepare(order(tmp_path, url))
    assert server.asked == []
    said = []
    folder = prepare(order(tmp_path, url, checked=False), say=said.append)
    assert folder == tmp_path / "data" / "a.csv" and found(folder) == {"a.csv": b"a,b\n"}
    assert said[0] == f"fetching {url}" and sha256_of(archive) in said[1] and "expected" not in said[1]
    said.clear()
    other = prepare(order(tmp_path, url, sha256=sha256_of(archive), folder=tmp_path / "new" / "b"), say=said.append)
    assert found(other) == {"a.csv": b"a,b\n"} and f"{sha256_of(archive)}, as expected" in said[1]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["b"]


def test_what_is_fetched_and_not_as_expected_is_removed(tmp_path, server):
    server.files["a.zip"] = make_zip(tmp_path / "a.zip").read_bytes()
    with pytest.raises(DataError, match=rf"its SHA-256 is {sha256_of(tmp_path / 'a.zip')}, expected {'0' * 64}"):
        prepare(order(tmp_path, server.url("a.zip"), sha256="0" * 64), say=lambda text: None)
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    with pytest.raises(DataError, match="expected 0000"):
        prepare(order(tmp_path, tmp_path / "a.zip", sha256="0" * 64), say=lambda text: None)
    assert (tmp_path / "a.zip").is_file()  # it is the user's


def test_what_is_fetched_is_kept_where_only_a_limit_was_too_small(tmp_path, server):
    server.files["a.zip"] = make_zip(tmp_path / "a.zip", {"a": bytes(10_000)}).read_bytes()
    given = order(tmp_path, server.url("a.zip"), checked=False, limits=Limits(bytes=5_000))
    with pytest.raises(DataError, match="See --limit_gb"):
        prepare(given, say=lambda text: None)
    prepare(order(tmp_path, server.url("a.zip"), checked=False), say=lambda text: None)
    assert len(server.asked) == 1


def test_known_data_are_fetched_and_kept_or_unpacked(tmp_path, server, monkeypatch):
    for name in ("a.gz", "b.gz"):
        server.files[name] = make_gzip(tmp_path / name, name.encode()).read_bytes()
    server.files["c.zip"] = make_zip(tmp_path / "c.zip").read_bytes()
    files = {name: KnownFile(server.url(name), 1, sha256_of(tmp_path / name)) for name in server.files}
    known = {
        "pair": KnownData("pair", (files["a.gz"], files["b.gz"]), unpack=False),
        "flat": KnownData("data", (files["c.zip"],)),
    }
    monkeypatch.setattr(module, "KNOWN", known)
    assert sorted(found(prepare(order(tmp_path, "pair"), say=lambda text: None))) == ["a.gz", "b.gz"]
    assert "a.txt" in found(prepare(order(tmp_path, "flat"), say=lambda text: None))
    prepare(order(tmp_path, "pair"), say=lambda text: None)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("mnst", r"mnst: there is no such file, and no data set of this name\. Did you mean `mnist`"),
        (".", r"\.: expected an archive \(\.zip, .*\)\. Received a folder"),
        ("ftp://a/b.zip", "expected an address of http or https"),
        ("file:///none.zip", "/none.zip: there is no such file"),
    ],
)
def test_other_sources_are_refused(tmp_path, source, why):
    with pytest.raises(DataError, match=why):
        prepare(order(tmp_path, source))


def test_an_address_of_a_file_is_a_path(tmp_path):
    archive = make_zip(tmp_path / "a b.zip")
    folder = prepare(order(tmp_path, f"file://{tmp_path}/a%20b.zip"), say=lambda text: None)
    assert folder.name == "a b" and found(folder) == FILES and archive.is_file()
