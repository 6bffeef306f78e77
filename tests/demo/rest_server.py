"""A server for tests: the part of TensorFlow Serving's REST interface that clients of ours use, on 127.0.0.1.

It speaks as https://www.tensorflow.org/tfx/serving/api_rest says: status, `predict` by rows and by columns, base64.
"""

import base64
import contextlib
import http.server
import json
import threading

import tensorflow as tf


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers for one model, `server.loaded`, called `server.model_name`."""

    def do_GET(self):
        if self.path != f"/v1/models/{self.server.model_name}":
            return self.answer(404, {"error": f"Could not find any versions of model {self.path.rpartition('/')[2]}"})
        status = {"error_code": "OK", "error_message": ""}
        version = {"version": "1", "state": self.server.state, "status": status}
        return self.answer(200, {"model_version_status": [version]})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != f"/v1/models/{self.server.model_name}:predict":
            return self.answer(404, {"error": "Servable not found for request"})
        try:
            signature = self.server.loaded.signatures[request.get("signature_name", "serving_default")]
            return self.answer(200, predicted(signature, request))
        except tf.errors.InvalidArgumentError as error:
            return self.answer(400, {"error": error.message})

    def answer(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


def predicted(signature, request):
    """Returns the answer to a request by rows ("instances") or by columns ("inputs")."""
    specs = signature.structured_input_signature[1]
    by_rows = "instances" in request
    given = request["instances"] if by_rows else request["inputs"]
    names = set(specs)
    if by_rows and isinstance(given[0], dict) and set(given[0]) == names:
        given = {name: [row[name] for row in given] for name in specs}
    if not (isinstance(given, dict) and set(given) == names):
        given = {next(iter(specs)): given}  # the name of an only input may be left out
    tensors = {name: tf.constant(plain(value), specs[name].dtype) for name, value in given.items()}
    outputs = {name: text(value.numpy().tolist()) for name, value in signature(**tensors).items()}
    if len(outputs) == 1:
        return {"predictions" if by_rows else "outputs": next(iter(outputs.values()))}
    if not by_rows:
        return {"outputs": outputs}
    return {"predictions": [dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)]}


def plain(value):
    """Returns a JSON value with what stands in base64 decoded."""
    if isinstance(value, dict):
        return base64.b64decode(value["b64"])
    return [plain(each) for each in value] if isinstance(value, list) else value


def text(value):
    if isinstance(value, bytes):
        return value.decode()
    return [text(each) for each in value] if isinstance(value, list) else value


@contextlib.contextmanager
def serving(folder, model_name, requests, state="AVAILABLE"):
    """Yields the model's URL; at most so many requests are answered, each waited for no longer than 20 seconds."""
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.loaded, server.model_name, server.state = tf.saved_model.load(str(folder)), model_name, state
        server.timeout = 20
        done = threading.Event()

        def answer():
            for _ in range(requests):
                if not done.is_set():
                    server.handle_request()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/models/{model_name}"
        finally:
            done.set()
            thread.join(timeout=25)
