"""What the desk needs of its machine: private files, free ports, children that do not outlive their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

LOCALHOST = "127.0.0.1"
_PR_SET_PDEATHSIG = 1


def write_private(path: Path, text: str) -> None:
    """Replace the content of `path` with `text` in one step; only its owner can read it at any moment."""
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(draft).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(draft).unlink()
        raise


def make_folder(path: Path, mode: int = 0o755) -> None:
    """Make a folder and the missing folders above it, none of them writable by others, whatever the umask is."""
    for above in reversed(path.parents):
        if not above.exists():
            above.mkdir(mode=0o755, exist_ok=True)
    path.mkdir(mode=mode, exist_ok=True)


def private_file(path: str, flags: int) -> int:
    """An `opener` for a file that only its owner can read, whatever the umask is."""
    return os.open(path, flags, 0o600)


def tail(path: Path, size: int = 4000) -> str:
    """The last `size` bytes of a log as text; empty when there is no such file."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - size))
            return stream.read().decode("utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""


def free_port(preferred: int = 0) -> int:
    """A TCP port of 127.0.0.1 that nobody listens on: the preferred one when it is free."""
    for port in (preferred, 0):
        found = _unused(port)
        if found:
            return found
    raise OSError("no free TCP port on 127.0.0.1")


@contextlib.contextmanager
def claimed_port(preferred: int = 0, *, only: bool = False) -> Iterator[int]:
    """A free TCP port of 127.0.0.1, the preferred one if possible (with `only`: that one or none), that is ours until
    the block ends: no two callers get the same port, however closely together they ask. Raises `OSError`.

    Other ports are below those that the kernel gives to outgoing connections, one of which may have it just when a
    server wants to bind it.

    The claim is a UDP socket of the same number. Unlike a look at the TCP port, it takes one step, leaves the port for
    the server to bind, and is released by the kernel when the process ends.
    """
    others = () if only else (*(20_000 + secrets.randbelow(12_000) for _ in range(_ATTEMPTS)), 0)
    for port in (*([preferred] if preferred else []), *others):
        with socket.socket(type=socket.SOCK_DGRAM) as claim:
            try:
                claim.bind((LOCALHOST, port))
            except OSError:
                continue
            number = int(claim.getsockname()[1])
            if _unused(number):
                yield number
                return
    raise OSError("no free TCP port on 127.0.0.1")


_ATTEMPTS = 20


def _unused(port: int) -> int | None:
    """The number of a TCP port (for 0: of any) when nobody listens on it."""
    with socket.socket() as probe:
        # As servers do: a connection that is still closing must not cost us the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def born(pid: int) -> str:
    """What identifies a process for ever, together with its number: its start in the kernel's ticks since boot.

    Not a time of day: a virtual machine's clock may be set while processes run, and then they would seem to be others.
    Raises `FileNotFoundError` or `ProcessLookupError` when there is no such process.
    """
    if sys.platform != "linux":
        return str(psutil.Process(pid).create_time())
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]


def ends_with_parent(signum: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send `signum` to the child when its parent dies, however it dies.

    The kernel watches the *thread* that starts the child: start children that should last from the main thread.
    Does nothing where the kernel offers no such thing (anything but Linux).
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up here: a child must do little between fork and exec
    parent = os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return arrange
