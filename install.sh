#!/bin/sh
# Installs the locked, hashed packages into .venv. `make install` calls it; on a machine without make:
#
#   sh install.sh && .venv/bin/resultsday demo
#
# Another Python: PYTHON=/path/to/python3.11. What is half made is made anew; what is whole is kept.
set -eu
cd "$(dirname "$0")"
needed=1500000 # KiB: the packages unpacked and compiled, and their downloads

end() {
  printf '%s\n' "$@" >&2
  exit 1
}

# The sentence that helps, after what a program has said.
explain() {
  printf '%s\n\n' "$1" >&2
  case $1 in
  *"No space left"* | *"os error 28"* | *ENOSPC*)
    end "The disk is full: $(pwd) needs about 1.5 GB. Make room, then run this again: it goes on where it was." ;;
  *CERTIFICATE_VERIFY_FAILED* | *"self-signed certificate"* | *"self signed certificate"* | *UnknownIssuer* | *"peer certificate"*)
    end "Something between this machine and the package index, such as a proxy that inspects TLS, shows a certificate that" \
      "nobody here trusts. Ask your IT for its certificate as a PEM file, and run this again with" \
      "  PIP_CERT=/path/to/it.pem SSL_CERT_FILE=/path/to/it.pem" ;;
  *"ensurepip"* | *"No module named venv"* | *"python3-venv"*)
    end "This Python cannot make virtual environments. On Debian and Ubuntu install the package python3-venv, as root:" \
      "  apt-get install python3-venv" \
      "or name another Python: PYTHON=/path/to/python3.11. Then run this again: nothing half made is left." ;;
  *"DO NOT MATCH THE HASHES"* | *"ash mismatch"*)
    end "A package is not the one that requirements.lock names by its hash. Nothing of it was installed. Is there a mirror or" \
      "a proxy that changes packages?" ;;
  *ProxyError* | *"proxy"* | *"onnection"* | *"resolve"* | *"dns error"* | *"timed out"* | *"No matching distribution"* | *"error sending request"*)
    end "The package index cannot be reached. Behind a proxy run this again with HTTPS_PROXY=http://host:port; with an index" \
      "of your own, with PIP_INDEX_URL and UV_DEFAULT_INDEX." ;;
  *) end "The installation has failed. What is above says why; run this again when it is mended: it goes on where it was." ;;
  esac
}

# Runs a step and shows what it says only if it fails.
step() {
  said=$("$@" 2>&1) || explain "$said"
}

python=${PYTHON:-$(command -v python3.11 || command -v python3 || true)}
[ -n "$python" ] || end "There is no Python here. Resultsday needs Python 3.11, 3.12 or 3.13, for example: apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
  || end "Resultsday needs Python 3.11, 3.12 or 3.13, and $python is another: run this with PYTHON=/path/to/python3.11"

whole() {
  .venv/bin/python -c '' && { .venv/bin/uv --version || .venv/bin/python -m pip --version; }
}
if [ -e .venv ] && ! whole > /dev/null 2>&1; then
  echo "The environment in .venv is half made, or its Python is gone: it is made anew."
  rm -rf .venv
fi
if [ ! -e .venv ]; then
  free=$(df -Pk . | awk 'NR == 2 {print $4}')
  [ "$free" -ge "$needed" ] || end \
    "$((free / 1024)) MiB are free on the disk of $(pwd), and the packages need about 1.5 GB. Make room, or put the project" \
    "on another disk."
  said=$("$python" -m venv .venv 2>&1) || { rm -rf .venv; explain "$said"; }
fi

# uv comes from the same lock as everything else: pip installs that one entry by its hash, uv then brings the environment
# exactly to the lock and compiles it (Airflow starts twice as fast).
if ! .venv/bin/uv --version > /dev/null 2>&1; then
  sed -n '/^uv==/,/[^\\]$/p' requirements.lock > .venv/uv.lock
  step .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
    --force-reinstall -r .venv/uv.lock
fi
step .venv/bin/uv pip sync --quiet --compile-bytecode --require-hashes --python .venv/bin/python requirements.lock
step .venv/bin/uv pip install --quiet --no-deps --no-build-isolation --python .venv/bin/python --editable .
touch .venv/.installed
