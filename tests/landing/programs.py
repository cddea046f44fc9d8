"""The programs with which centres send files, run for one centre; each as it comes from Debian."""

from __future__ import annotations

import subprocess
from pathlib import Path

from attrs import define, field

from tests.landing.conftest import KEY, Service, public
from tests.patience import PATIENCE

Done = subprocess.CompletedProcess[str]


@define
class Programs:
    """The programs of a centre that works in a folder of its own; they know the service by its key."""

    service: Service
    folder: Path
    identity: Path = field(init=False)
    hosts: Path = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.identity, self.hosts = self.folder / "identity", self.folder / "hosts"
        self.identity.write_bytes(KEY.export_private_key())
        self.identity.chmod(0o600)
        self.hosts.write_text(f"[127.0.0.1]:{self.service.port} {public(self.service.landing.host_key)}")

    @property
    def options(self) -> list[str]:
        """Options of OpenSSH's programs."""
        return [
            "-F", "none", "-i", str(self.identity), "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes",
            "-o", f"UserKnownHostsFile={self.hosts}",
        ]  # fmt: skip

    @property
    def centre(self) -> str:
        return f"{self.service.centre}@127.0.0.1"

    def run(self, *words: str, script: str = "") -> Done:
        """A program from its first word to its end, in bounded time."""
        return subprocess.run(words, input=script, capture_output=True, text=True, timeout=PATIENCE, cwd=self.folder)

    def sftp(self, script: str, *more: str) -> Done:
        """OpenSSH's sftp."""
        return self.run(
            "sftp", "-b", "-", "-P", str(self.service.port), *self.options, *more, self.centre, script=script
        )

    def scp(self, *words: str) -> Done:
        """OpenSSH's scp."""
        return self.run("scp", "-P", str(self.service.port), *self.options, *words)
