"""Tests of fetching files, against a server on loopback."""

import json
import random

import pytest

from source.command.archive import download as module
from source.command.archive.download import check_url, download, file_name
from source.config.errors import DataError
from tests.command.archive.server import serving

CONTENT = random.Random(1).randbytes(1_000_000)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        server.files["a.bin"] = CONTENT
        yield server


def fetch(server, path, most=10**7, **settings):
    download(server.url("a.bin"), path, most, pause=lambda seconds: None, **settings)


def test_a_file_is_fetched_and_nothing_else_is_left(server, tmp_path):
    told = []
    fetch(server, tmp_path / "a", progress=lambda done, total: told.append((done, total)))
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert told[0] == (0, 1_000_000) and told[-1] == (1_000_000, 1_000_000) and told == sorted(told)


def test_a_connection_that_breaks_is_taken_up_where_it_ended(server, tmp_path):
    server.breaks, server.break_after = 2, 300_000
    fetch(server, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=600000-"]


def test_a_later_call_goes_on_from_the_part(server, tmp_path):
    server.breaks, server.break_after = 5, 100_000
    with pytest.raises(DataError, match=r"the connection broke 5 times\. 500,000 bytes are there; run it again"):
        fetch(server, tmp_path / "a")
    assert (tmp_path / "a.part").stat().st_size == 500_000 and not (tmp_path / "a").exists()
    fetch(server, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT and server.asked[-1] == "bytes=500000-"


def test_another_version_on_the_server_is_fetched_from_the_beginning(server, tmp_path):
    (tmp_path / "a.part").write_bytes(b"x" * 500)
    (tmp_path / "a.part.json").write_text(json.dumps({"url": server.url("a.bin"), "validator": '"old"'}))
    fetch(server, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT and server.asked == ["bytes=500-"]


@pytest.mark.parametrize(
    "notes", ["{", "[]", "{}", '{"url": "http://other/", "validator": "x"}', '{"url": 3, "validator": null}']
)
def test_a_part_of_unknown_origin_is_not_gone_on_with(server, tmp_path, notes):
    (tmp_path / "a.part").write_bytes(b"x" * 500)
    (tmp_path / "a.part.json").write_text(notes)
    fetch(server, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT and server.asked == [None]


def test_where_a_checksum_follows_any_part_is_gone_on_with(server, tmp_path):
    server.etag = None
    (tmp_path / "a.part").write_bytes(CONTENT[:500])
    fetch(server, tmp_path / "a", sure=True)
    assert (tmp_path / "a").read_bytes() == CONTENT and server.asked == ["bytes=500-"]


def test_a_part_that_is_whole_needs_no_byte_more(server, tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT)
    fetch(server, tmp_path / "a", sure=True)
    assert (tmp_path / "a").read_bytes() == CONTENT and server.asked == ["bytes=1000000-"]


def test_a_part_that_is_too_long_is_thrown_away(server, tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT + b"more")
    fetch(server, tmp_path / "a", sure=True)
    assert (tmp_path / "a").read_bytes() == CONTENT and server.asked == ["bytes=1000004-", None]


def test_a_server_without_ranges_sends_all_of_it_again(server, tmp_path):
    server.ranges, server.breaks, server.break_after = False, 1, 400_000
    fetch(server, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT and server.asked == [None, "bytes=400000-"]


def test_a_length_that_is_not_told_is_no_fault(server, tmp_path):
    server.hide_length = True
    told = []
    fetch(server, tmp_path / "a", progress=lambda done, total: told.append(total))
    assert (tmp_path / "a").read_bytes() == CONTENT and set(told) == {None}


@pytest.mark.parametrize("hide", [False, True])
def test_more_than_the_limit_is_not_fetched(server, tmp_path, hide):
    server.hide_length = hide
    with pytest.raises(DataError, match=r"bytes.* than --limit_gb allows \(500,000\)"):
        fetch(server, tmp_path / "a", most=500_000)
    part = tmp_path / "a.part"
    assert not (tmp_path / "a").exists() and part.stat().st_size <= 500_000


def test_a_server_that_is_busy_is_asked_again_and_one_that_says_no_is_not(server, tmp_path):
    server.statuses = [503, 500]
    fetch(server, tmp_path / "a")
    assert len(server.asked) == 3
    server.statuses = [503] * 5
    with pytest.raises(DataError, match="the server answers 503, Service Unavailable"):
        fetch(server, tmp_path / "b")
    with pytest.raises(DataError, match="nothing: the server answers 404, Not Found"):
        download(server.url("nothing"), tmp_path / "c", 10**6)
    assert len(server.asked) == 9


def test_redirects_are_followed_but_not_to_files(server, tmp_path):
    server.moved["old"] = server.url("a.bin")
    download(server.url("old"), tmp_path / "a", 10**7)
    assert (tmp_path / "a").read_bytes() == CONTENT
    for place in ("file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://x"):
        server.moved["bad"] = place
        with pytest.raises(DataError, match=f"leads to {place}, which is not fetched|'{place}' is not allowed"):
            download(server.url("bad"), tmp_path / "b", 10**7)
    server.moved["round"] = server.url("round")
    with pytest.raises(DataError, match="the server answers 302"):
        download(server.url("round"), tmp_path / "b", 10**7)


def test_redirects_from_https_to_http_are_refused():
    request = module.urllib.request.Request("https://a.b/c")
    with pytest.raises(DataError, match="leads to http://a.b/d, which is not".replace(".", r"\.")):
        module._Redirects().redirect_request(request, None, 302, "Found", {}, "http://a.b/d")


def test_no_server_is_one_message(tmp_path):
    with serving() as server:
        url = server.url("a")
    with pytest.raises(DataError, match=r"cannot be fetched: .*refused.*\. 0 bytes are there; run it again"):
        download(url, tmp_path / "a", 10**6, pause=lambda seconds: None)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://a/b", "expected an address of http or https"),
        ("file:///etc/passwd", "expected an address of http or https"),
        ("http:///b", "expected an address of http or https"),
        ("http://[::1", "is no address that can be read"),
        ("http://a:b/c", "is no address that can be read"),
        ("http://a/b c", "expected printable ASCII"),
        ("http://a/b\r\nHost: c", "expected printable ASCII"),
        ("http://a/é", "expected printable ASCII"),
    ],
)
def test_other_addresses_are_refused(url, why, tmp_path):
    with pytest.raises(DataError, match=why):
        check_url(url)
    with pytest.raises(DataError, match=why):
        download(url, tmp_path / "a", 10**6)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://a/b/c.tar.gz?x=1#y", "c.tar.gz"),
        ("https://a/b/", "b"),
        ("https://a", "download"),
        ("https://a/%2e%2e%2fetc%2fpasswd", "_etc_passwd"),
        ("https://a/..", "download"),
        ("https://a/" + "x" * 300, "x" * 150),
    ],
)
def test_names_of_files_are_plain(url, name):
    assert file_name(url) == name
