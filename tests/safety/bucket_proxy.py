"""A proxy before the server of a bucket, which fails at a request that is told to it."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from object_servers import KEY, SECRET


class Fault(Enum):
    CUT = "the connection ends before the request is passed on"
    UNANSWERED = "the request is passed on, and its answer is lost"
    HALF = "half of the answer comes"
    FAILED = "500"
    THROTTLED = "503"
    SLOW = "the answer takes a while"
    EXPIRED = "ExpiredToken"
    SKEWED = "RequestTimeTooSkewed"
    LATE = "the request was signed two hours ago"


@dataclass
class Proxy:
    """``port`` leads to ``upstream``. The ``at``-th request meets ``fault``; with ``lasting`` every
    later one too. ``seen`` are the requests since the last ``failing``."""

    upstream: int
    port: int = 0
    at: int = 0
    fault: Fault = Fault.CUT
    lasting: bool = False
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def failing(
        self, at: int = 0, fault: Fault = Fault.CUT, *, lasting: bool = False
    ) -> Iterator[list[str]]:
        with self.lock:
            self.seen, self.at, self.fault, self.lasting = [], at, fault, lasting
        try:
            yield self.seen
        finally:
            with self.lock:
                self.at = 0

    def meets(self, request: str) -> Fault | None:
        with self.lock:
            self.seen.append(request)
            number = len(self.seen)
            hit = self.at and (number == self.at or (self.lasting and number > self.at))
            return self.fault if hit else None


def _signed_late(method: str, path: str, headers: dict[str, str]) -> dict[str, str]:
    """What a machine whose clock is two hours behind would send in this place."""
    kept = {n: v for n, v in headers.items() if n.lower() not in ("authorization", "x-amz-date")}
    request = AWSRequest(method, f"http://{headers['host']}{path}", headers=kept)
    late = datetime.now(UTC) - timedelta(hours=2)
    with mock.patch("botocore.auth.get_current_datetime", return_value=late):
        S3SigV4Auth(Credentials(KEY, SECRET), "s3", "us-east-1").add_auth(request)
    return dict(request.headers.items())


@contextmanager
def proxy(upstream: int) -> Iterator[Proxy]:
    passing = Proxy(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body at once: a second small packet would wait for the first one's receipt.
        wbufsize = 1 << 16

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = passing.meets(f"{self.command} {self.path}")
            if fault is Fault.SLOW:
                time.sleep(0.3)
            if fault is Fault.CUT:
                self.close_connection = True
                return
            if fault in (Fault.FAILED, Fault.THROTTLED):
                self._answer(int(fault.value), [], b"")
                return
            if fault in (Fault.EXPIRED, Fault.SKEWED):
                # With more of the request in it than is good, as Amazon's answers have.
                told = f"<Error><Code>{fault.value}</Code><M>{self.headers}</M></Error>"
                self._answer(400 if fault is Fault.EXPIRED else 403, [], told.encode())
                return
            headers = dict(self.headers)
            if fault is Fault.LATE:
                headers = _signed_late(self.command, self.path, headers)
            server = http.client.HTTPConnection("127.0.0.1", upstream)
            server.request(self.command, self.path, body, headers)
            answer = server.getresponse()
            content = answer.read()
            server.close()
            if fault is Fault.UNANSWERED:
                self.close_connection = True
                return
            kept = len(content) // 2 if fault is Fault.HALF else len(content)
            self._answer(answer.status, answer.getheaders(), content, kept)

        def _answer(
            self,
            status: int,
            headers: list[tuple[str, str]],
            content: bytes,
            kept: int | None = None,
        ) -> None:
            kept = len(content) if kept is None else kept
            self.send_response_only(status)
            length = str(len(content))
            for name, value in headers:
                if name.lower() == "content-length":
                    length = value  # of a HEAD
                elif name.lower() not in ("transfer-encoding", "connection"):
                    self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(content[:kept])
            self.close_connection = kept < len(content)

        def log_message(self, *_: object) -> None: ...

    for method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
        setattr(Handler, f"do_{method}", Handler.handle_any)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """The client has gone, which is its right."""

    server = Server(("127.0.0.1", 0), Handler)
    passing.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield passing
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
