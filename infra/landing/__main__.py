"""The landing service as a process: `python -m infra.landing`, ended by SIGTERM or SIGINT."""

from infra.landing.server import serve
from infra.settings import Settings

if __name__ == "__main__":
    serve(Settings.load())
