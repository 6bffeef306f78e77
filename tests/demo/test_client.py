"""Tests of the client of a server, which runs in this process and answers as TensorFlow Serving documents it."""

import base64
import io
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.demo.rest_server import serving
from tests.exporter import brightness


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return brightness.save(tmp_path_factory.mktemp("served") / "1")


@pytest.fixture(scope="module")
def client(load_demo):
    return load_demo("serving/client.py")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def pictures(tmp_path):
    """Three files: dark, bright and broken."""
    for name, value in {"dark.png": 0, "bright.jpg": 255}.items():
        (tmp_path / name).write_bytes(picture(value, name.rpartition(".")[2].replace("jpg", "jpeg")))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return tmp_path


def picture(value, kind="png"):
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 5, 3), value, np.uint8)).save(stream, kind)
    return stream.getvalue()


def test_pictures_are_sent_as_they_are_and_classified(client, folder, pictures, capsys):
    files = [str(pictures / name) for name in ("bright.jpg", "dark.png")]
    with serving(folder, "light", requests=2) as url:
        assert client.main([url + "/", *files]) == 0
    assert capsys.readouterr().out == f"{files[0]}  bright  1.0000\n{files[1]}  dark  1.0000\n"


def test_a_broken_picture_is_named_and_the_others_classified(client, folder, pictures, capsys):
    files = [str(pictures / name) for name in ("bright.jpg", "broken.png", "dark.png")]
    with serving(folder, "light", requests=5) as url:
        assert client.main([url, *files]) == 2
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 2
    assert printed.err.startswith(f"client: {files[1]}: 400: ")
    assert printed.err.count("\n") == 1


def test_requests_hold_no_more_than_a_batch(client, folder, pictures, capsys):
    files = [str(pictures / "dark.png")] * 3
    with serving(folder, "light", requests=3) as url:  # the status, two pictures, one picture
        assert client.main([url, *files, "--batch=2"]) == 0
    assert capsys.readouterr().out.count("dark  1.0000") == 3


def test_a_server_that_is_not_there_not_ready_or_has_no_such_model_is_one_line(client, folder, pictures, capsys):
    file = str(pictures / "dark.png")
    assert client.main(["http://127.0.0.1:9/v1/models/light", file]) == 2
    assert capsys.readouterr().err.startswith("client: no answer from http://127.0.0.1:9/v1/models/light: ")
    with serving(folder, "light", requests=1, state="LOADING") as url:
        assert client.main([url, file]) == 2
    assert capsys.readouterr().err == f"client: {url}: no version of the model is ready\n"
    with serving(folder, "light", requests=1) as url:
        assert client.main([url.replace("light", "shade"), file]) == 2
    assert capsys.readouterr().err == "client: 404: Could not find any versions of model shade\n"


def test_rows_and_columns_ask_the_same(client, folder):
    encoded = {"b64": base64.b64encode(picture(255)).decode()}
    pixels = [[[255] * 3] * 2] * 2
    by_bytes = {"signature_name": "predict_bytes"}
    answer = {"output_classes": 1, "output_labels": "bright", "output_probabilities": [0.0, 1.0]}
    requests = [
        {**by_bytes, "instances": [encoded]},
        {**by_bytes, "instances": [{"input_bytes": encoded}]},
        {"instances": [pixels]},
    ]
    with serving(folder, "light", requests=5) as url:
        for request in requests:
            assert client.exchange(f"{url}:predict", request) == {"predictions": [answer]}
        columns = {name: [value] for name, value in answer.items()}
        assert client.exchange(f"{url}:predict", {"inputs": [pixels]}) == {"outputs": columns}
        request = {**by_bytes, "inputs": {"input_bytes": [encoded]}}
        assert client.exchange(f"{url}:predict", request) == {"outputs": columns}


def test_it_needs_the_standard_library_alone(repository):
    script = "import runpy; runpy.run_path({!r})"
    path = str(pathlib.Path(repository) / "demo" / "serving" / "client.py")
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script.format(path)], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
