"""A small HTTP server on loopback, which breaks off, forgets, and lies on demand."""

import contextlib
import http.server
import threading
from collections.abc import Iterator


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; what went wrong on purpose is set by its attributes.

    Attributes:
        files: content by path.
        etag: told with every file; None tells none.
        asked: the range that each request asked for.
        break_after: bytes after which the next connections end.
        breaks: how many connections still end early.
        ranges: whether ranges are understood.
        moved: where a path has gone.
        statuses: answers that the next requests get instead.
        hide_length: leave the length out.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.etag: str | None = '"one"'
        self.asked: list[str | None] = []
        self.break_after, self.breaks = 0, 0
        self.ranges = True
        self.moved: dict[str, str] = {}
        self.statuses: list[int] = []
        self.hide_length = False

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, path = self.server, self.path.lstrip("/")
        asked = self.headers.get("Range")
        server.asked.append(asked)
        if server.statuses:
            self.send_error(server.statuses.pop(0))
            return
        if path in server.moved:
            self.send_response(302)
            self.send_header("Location", server.moved[path])
            self.end_headers()
            return
        if path not in server.files:
            self.send_error(404)
            return
        self.send_content(server.files[path], asked)

    def send_content(self, content: bytes, asked: str | None) -> None:
        server = self.server
        same = self.headers.get("If-Range") in (None, server.etag)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges and same else 0
        if start >= len(content) and start:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if server.etag:
            self.send_header("ETag", server.etag)
        if not server.hide_length:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if server.breaks:
            server.breaks -= 1
            self.wfile.write(content[start : start + server.break_after])
        else:
            self.wfile.write(content[start:])

    def log_message(self, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
