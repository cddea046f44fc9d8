"""Instruments that make the world outside go wrong, and an S3 server whose clock stands still."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest

from infra.host import LOCALHOST, claimed_port
from infra.store import S3Store
from tests.patience import until

_SERVER = """
import sys
import threading
from datetime import datetime
from time import sleep
from moto import server
from moto.s3 import models, responses

turn = threading.Lock()

def in_turn(method):
    def alone(self):
        with turn:
            return method(self)
    return alone

for name in ("put_object", "delete_object"):
    setattr(responses.S3Response, name, in_turn(getattr(responses.S3Response, name)))

remove_many = models.S3Backend.delete_objects

def if_they_match(self, bucket, objects, bypass=False):
    with turn:
        said = {each["Key"]: each["ETag"] for each in objects if "ETag" in each}
        found = {key: self.head_object(bucket, key) for key in said}
        changed = [key for key, there in found.items() if not there or there.etag.strip('"') != said[key].strip('"')]
        done, refused = remove_many(self, bucket, [each for each in objects if each["Key"] not in changed], bypass)
        return done, [*refused, *changed]

models.S3Backend.delete_objects = if_they_match
answer = responses.S3Response._bucket_response_delete_keys

def in_s3s_words(self, bucket_name, authenticated=True):
    status, headers, body = answer(self, bucket_name, authenticated)
    return status, headers, body.replace("<Code>AccessDenied<", "<Code>PreconditionFailed<")

responses.S3Response._bucket_response_delete_keys = in_s3s_words
if sys.argv[2]:
    models.utcnow = lambda: datetime.fromisoformat(sys.argv[2])
answers = server.DomainDispatcherApplication.__call__

def from_afar(self, *request):
    sleep(float(sys.argv[3]))
    return answers(self, *request)

if float(sys.argv[3]):
    server.DomainDispatcherApplication.__call__ = from_afar
server.main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""
"""moto's, with a clock that stands still, because objects are received when the server says that they came. It looks at
a condition and writes in two steps, S3 in one: so here one at a time. It does not know the condition on each of many
objects that are removed at once, which S3 has."""


@contextmanager
def s3_server(log: Path, clock: datetime | None = None, distance: float = 0) -> Iterator[int]:
    """The port of a running S3 server; by its clock it is always `clock` (UTC), if given. Each request takes `distance`
    seconds there and back."""
    with claimed_port() as port, log.open("wb") as output:
        at = clock.replace(tzinfo=None).isoformat() if clock else ""
        server = subprocess.Popen(
            [sys.executable, "-c", _SERVER, str(port), at, str(distance)], stdout=output, stderr=output
        )
        try:
            until(lambda: server.poll() is not None or _listens(port))
            if server.poll() is not None:
                raise RuntimeError(f"moto's server did not start: {log.read_text(errors='replace')}")
            yield port
        finally:
            server.kill()
            server.wait()


def _listens(port: int) -> bool:
    caller = http.client.HTTPConnection(LOCALHOST, port, timeout=10)
    with suppress(OSError):
        caller.connect()
        caller.close()
        return True
    return False


def at_port(patch: pytest.MonkeyPatch, port: int) -> None:
    """Has boto3's clients, of this process and those it starts, speak to that port."""
    patch.setenv("AWS_ENDPOINT_URL", f"http://{LOCALHOST}:{port}")
    for name, value in {
        "ACCESS_KEY_ID": "testing",
        "SECRET_ACCESS_KEY": "testing",
        "DEFAULT_REGION": "us-east-1",
    }.items():
        patch.setenv(f"AWS_{name}", value)


def new_bucket(name: str) -> str:
    """Makes a bucket; its address."""
    store = S3Store(name)
    store.client.create_bucket(Bucket=name)
    return f"s3://{name}"


Fault = Literal["", "500", "lost", "stall"]
"""What becomes of a request: it is served; it is refused with status 500; it is served and its answer is lost; nothing
comes back."""


class Proxy(ThreadingHTTPServer):
    """Stands in front of an HTTP server on this machine and lets some requests fail."""

    daemon_threads = True

    def __init__(self, behind: int) -> None:
        super().__init__((LOCALHOST, 0), _Handler)
        self.behind = behind
        self.lock = threading.Lock()
        self.healed = threading.Event()
        self.heal()

    def fail(self, how: Callable[[int], Fault]) -> None:
        """From here on `how` says what becomes of each request; they are numbered from 1 as they come."""
        self.healed.set()
        with self.lock:
            self.how, self.seen, self.failed = how, 0, 0
            self.healed = threading.Event()

    def heal(self) -> None:
        """From here on every request is served, and who waits is let go."""
        self.fail(lambda number: "")

    def fault(self) -> Fault:
        """What becomes of the next request."""
        with self.lock:
            self.seen += 1
            found = self.how(self.seen)
            self.failed += bool(found)
            return found


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the second half of each answer waits for an acknowledgement of the first

    def _do(self) -> None:
        if self.headers.get("Expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.fault()
        if fault == "stall":
            self.server.healed.wait(60)
        if fault in ("stall", "500"):
            self._answer(500, {}, b"")
            return
        behind = http.client.HTTPConnection(LOCALHOST, self.server.behind, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        behind.request(self.command, self.path, body, headers)
        answer = behind.getresponse()
        content = answer.read()
        behind.close()
        if fault == "lost":
            self._answer(500, {}, b"")
        else:
            self._answer(answer.status, dict(answer.getheaders()), content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _do  # noqa: N815

    def handle_expect_100(self) -> bool:
        """Is done with the request itself."""
        return True

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        with suppress(OSError):  # who waited in vain has gone
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            length = headers.get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@contextmanager
def proxy(behind: int) -> Iterator[Proxy]:
    """A running proxy in front of a port."""
    with Proxy(behind) as standing:
        threading.Thread(target=standing.serve_forever, daemon=True).start()
        try:
            yield standing
        finally:
            standing.heal()
            standing.shutdown()


def can_mount() -> bool:
    """Whether this user may mount a file system, as root may where nothing forbids it."""
    if not shutil.which("mount") or os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=False, capture_output=True)
        if tried.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return tried.returncode == 0


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Callable[[int], None]]:
    """A disk of so many bytes at `place`, an empty folder; gives what makes it larger. For who can mount."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)], check=True)

    def grow(larger: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={larger}", str(place)], check=True)

    try:
        yield grow
    finally:
        subprocess.run(["umount", str(place)], check=True)
