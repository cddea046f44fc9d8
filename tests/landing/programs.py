"""The programs with which centres send files, run for one centre; each as it comes from Debian."""

from __future__ import annotations

import subprocess
from pathlib import Path

from attrs import define, field

from infra.landing.keys import ED25519, RSA, host_key
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
        keys = [host_key(self.service.landing.settings, kind) for kind in (ED25519, RSA)]  # rclone asks for the RSA key
        self.hosts.write_text("".join(f"[127.0.0.1]:{self.service.port} {public(key)}" for key in keys))

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

    def rclone(self, *words: str) -> Done:
        """rclone, with `desk:` for the service."""
        place = f"type = sftp\nhost = 127.0.0.1\nport = {self.service.port}\nuser = {self.service.centre}\n"
        keys = f"key_file = {self.identity}\nknown_hosts_file = {self.hosts}\nshell_type = none\n"
        (self.folder / "rclone.conf").write_text(f"[desk]\n{place}{keys}")
        return self.run("rclone", "--config", "rclone.conf", *words)

    def lftp(self, script: str) -> Done:
        """lftp, which runs OpenSSH's ssh."""
        connect = f"set sftp:connect-program 'ssh -a -x {' '.join(self.options)}'; set net:max-retries 1"
        address = f"sftp://{self.service.centre}:none@127.0.0.1"
        return self.run("lftp", "-p", str(self.service.port), "-e", f"{connect}; {script}; bye", address)

    def sshfs(self, mount: Path) -> Done:
        """Mounts the root that the centre sees; `fusermount3 -u` takes it away."""
        options = f"IdentitiesOnly=yes,StrictHostKeyChecking=yes,UserKnownHostsFile={self.hosts}"
        words = ["-p", str(self.service.port), "-F", "none", "-o", f"{options},IdentityFile={self.identity}"]
        return self.run("sshfs", *words, f"{self.centre}:/", str(mount))

    def psftp(self, script: str) -> Done:
        """PuTTY's sftp."""
        (self.folder / "psftp.script").write_text(script)
        return self.run("psftp", *self._putty(), "-b", "psftp.script", self.centre)

    def pscp(self, *words: str) -> Done:
        """PuTTY's scp."""
        return self.run("pscp", *self._putty(), *words)

    def _putty(self) -> list[str]:
        made = self.run("puttygen", str(self.identity), "-O", "private", "-o", "identity.ppk")
        assert made.returncode == 0, made.stderr
        known = self.service.landing.host_key.get_fingerprint()
        return ["-batch", "-P", str(self.service.port), "-i", "identity.ppk", "-hostkey", known]
