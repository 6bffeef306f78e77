"""Client: ask a server for the classes of pictures, with nothing but Python's standard library.

python demo/serving/client.py http://localhost:8501/v1/models/cifar10 cat.png truck.jpg

The server is TensorFlow Serving, or another that speaks its REST interface, with a SavedModel that Espalier wrote: the
files go there as they are, and are decoded and prepared there. This file can be copied anywhere.
"""

import argparse
import base64
import http.client
import json
import pathlib
import sys
import urllib.error
import urllib.request


class ServerError(Exception):
    """What a server, or the way to it, did not do."""


def exchange(url, request=None, timeout=10.0):
    """Returns the answer of a server, decoded; sends a request if there is one.

    Raises:
        ServerError: with the server's own words where it has any.
    """
    body = None if request is None else json.dumps(request).encode()
    headers = {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise ServerError(f"{error.code}: {words(error.read())}") from error
    except (OSError, http.client.HTTPException) as error:  # no such host, nobody there, too late, cut off
        raise ServerError(f"no answer from {url}: {getattr(error, 'reason', error)}") from error
    except ValueError as error:
        raise ServerError(f"{url}: the answer is no JSON: {error}") from error


def words(body):
    """Returns what a server says is wrong: one line of text."""
    try:
        text = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        text = body.decode(errors="replace")
    return " ".join(str(text).split())[:200]


def is_ready(url, timeout=10.0):
    """Returns whether some version of the model can be asked."""
    versions = exchange(url, timeout=timeout)["model_version_status"]
    return any(version["state"] == "AVAILABLE" for version in versions)


def classify(url, contents, timeout=10.0):
    """Returns (label, probability) of the best class of each picture.

    Args:
        url: of the model: http://HOST:PORT/v1/models/NAME.
        contents: the bytes of encoded images.
        timeout: seconds.
    """
    pictures = [{"b64": base64.b64encode(each).decode()} for each in contents]
    request = {"signature_name": "predict_bytes", "inputs": {"input_bytes": pictures}}
    outputs = exchange(f"{url}:predict", request, timeout)["outputs"]
    rows = zip(outputs["output_labels"], outputs["output_probabilities"], strict=True)
    return [(label, max(probabilities)) for label, probabilities in rows]


def classify_each(url, files, timeout=10.0):
    """Yields (file, (label, probability) or ServerError): one request, and one for each file if that is refused.

    A server refuses a whole request if one picture of it is broken.
    """
    try:
        yield from zip(files, classify(url, [file.read_bytes() for file in files], timeout), strict=True)
    except ServerError as error:
        if len(files) == 1:
            yield files[0], error
            return
        for file in files:
            yield from classify_each(url, [file], timeout)


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url", metavar="URL", help="http://HOST:PORT/v1/models/NAME")
    parser.add_argument("files", metavar="PICTURE", nargs="+", type=pathlib.Path)
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds to wait for an answer")
    parser.add_argument("--batch", type=int, default=16, help="pictures in a request")
    options = parser.parse_args(arguments)
    url = options.url.rstrip("/")
    failed = 0
    try:
        if not is_ready(url, options.timeout):
            raise ServerError(f"{url}: no version of the model is ready")
        for start in range(0, len(options.files), options.batch):
            for file, answer in classify_each(url, options.files[start : start + options.batch], options.timeout):
                if isinstance(answer, ServerError):
                    failed += 1
                    print(f"client: {file}: {answer}", file=sys.stderr)
                else:
                    print(f"{file}  {answer[0]}  {answer[1]:.4f}")
    except (ServerError, OSError) as error:
        print(f"client: {error}", file=sys.stderr)
        return 2
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
