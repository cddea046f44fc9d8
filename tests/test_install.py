"""`install.sh`, which `make install` calls: whatever is missing ends in a sentence that helps, and what is half made is
made anew. Nothing is downloaded here: Python, pip and uv are stand-ins that fail as the real ones do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

GOOD = """#!/bin/sh
# A Python whose venv works, and whose environment holds stand-ins that succeed.
case "$1 $2" in
"-m venv")
  mkdir -p .venv/bin
  cp "$0" .venv/bin/python
  echo made >> log ;;
"-m pip")
  [ "$3" != install ] || { printf '#!/bin/sh\\nexit 0\\n' > .venv/bin/uv; chmod +x .venv/bin/uv; echo pip >> log; } ;;
esac
"""
NO_VENV = """#!/bin/sh
[ "$1 $2" != "-m venv" ] || { mkdir -p .venv/bin; ln -s "$0" .venv/bin/python
  echo "The virtual environment was not created successfully because ensurepip is not available."; exit 1; }
[ "$1 $2" != "-m pip" ] || { echo "No module named pip"; exit 1; }
"""


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone, as far as the installation is concerned."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("install.sh", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def install(clone: Path, python: str, *, free_kib: int = 9_000_000) -> tuple[int, str]:
    """Exit code and output of the installation with a Python that is this script."""
    tools = clone.parent / "tools"
    interpreter = program(tools / "python3.11", python)
    program(tools / "df", f'#!/bin/sh\necho "Filesystem 1024-blocks Used Available"\necho "disk 0 0 {free_kib}"\n')
    environment = {"PATH": f"{tools}:/usr/bin:/bin", "PYTHON": str(interpreter)}
    done = subprocess.run(
        ["sh", "install.sh"], cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def log(clone: Path) -> list[str]:
    file = clone / "log"
    return file.read_text(encoding="utf-8").split() if file.exists() else []


def test_it_installs_once_and_a_second_time_changes_nothing(clone: Path) -> None:
    assert install(clone, GOOD) == (0, "")
    assert (clone / ".venv" / ".installed").exists()
    assert install(clone, GOOD) == (0, "")
    assert log(clone) == ["made", "pip"]


def test_a_half_made_environment_is_made_anew(clone: Path) -> None:
    # As Debian leaves it without python3-venv: a Python, and no pip.
    program(clone / ".venv" / "bin" / "python", NO_VENV)
    code, said = install(clone, GOOD)
    assert code == 0
    assert said == "The environment in .venv is half made, or its Python is gone: it is made anew.\n"
    assert log(clone) == ["made", "pip"]


def test_an_environment_whose_python_is_gone_is_made_anew(clone: Path) -> None:
    install(clone, GOOD)
    (clone / ".venv" / "bin" / "python").unlink()
    (clone / ".venv" / "bin" / "python").symlink_to(clone / "gone")
    assert install(clone, GOOD)[0] == 0
    assert log(clone) == ["made", "pip"] * 2


def test_without_venv_it_says_what_to_install_and_leaves_nothing_half_made(clone: Path) -> None:
    code, said = install(clone, NO_VENV)
    assert code == 1
    assert "apt-get install python3-venv" in said
    assert not (clone / ".venv").exists()
    # With a good Python it then works.
    assert install(clone, GOOD)[0] == 0


def test_a_python_of_another_version_is_refused(clone: Path) -> None:
    code, said = install(clone, '#!/bin/sh\n[ "$1" != "-c" ]\n')
    assert code == 1
    assert said.startswith("Resultsday needs Python 3.11, 3.12 or 3.13, and ")


def test_without_room_on_the_disk_it_says_how_much_is_needed(clone: Path) -> None:
    code, said = install(clone, GOOD, free_kib=512_000)
    assert code == 1
    assert said.startswith("500 MiB are free on the disk of ")
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize(
    ("answer", "help_"),
    [
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
         "self-signed certificate in certificate chain'))", "SSL_CERT_FILE=/path/to/it.pem"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "a proxy that changes packages"),
        ("ProxyError('Cannot connect to proxy.', NewConnectionError", "HTTPS_PROXY=http://host:port"),
        ("Failed to establish a new connection: [Errno -3] Temporary failure in name resolution", "PIP_INDEX_URL"),
        ("something that nobody has thought of", "run this again when it is mended"),
    ],
)  # fmt: skip
def test_a_download_that_fails_ends_in_what_was_said_and_a_sentence_that_helps(
    clone: Path, answer: str, help_: str
) -> None:
    (clone / "answer").write_text(answer, encoding="utf-8")
    failing = GOOD.replace(
        '"-m pip")\n', '"-m pip")\n  [ "$3" != install ] || [ ! -e answer ] || { cat answer; exit 1; }\n'
    )
    code, said = install(clone, failing)
    assert code == 1
    assert answer in said
    assert help_ in said
    (clone / "answer").unlink()  # what was in the way is mended
    assert install(clone, failing)[0] == 0


def test_make_and_the_readme_call_it() -> None:
    assert "sh install.sh" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "sh install.sh && .venv/bin/resultsday demo" in (ROOT / "README.md").read_text(encoding="utf-8")
