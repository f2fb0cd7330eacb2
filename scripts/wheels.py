"""Take single files out of pinned, hash-checked wheels.

The package registry is the one place from which every platform's build of a C library can be had
with a checksum. Nothing is installed: pip only downloads the wheel and proves its hash, so
externally managed Pythons, virtual environments and the Python version do not matter.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "scripts"


class CannotFetch(Exception):
    """What went wrong and what to do about it, in words for the person at the terminal."""


def pinned(requirements: Path) -> tuple[str, str]:
    """The package and version that a requirements file pins."""
    match = re.search(r"^([\w.-]+)==([\w.+]+)", requirements.read_text(), re.MULTILINE)
    if match is None:
        raise CannotFetch(f"{requirements} pins no version (expected NAME==VERSION)")
    return match[1], match[2]


def linux_machine(supported: tuple[str, ...], otherwise: str) -> str:
    """This machine's architecture, where a wheel for it exists."""
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    if sys.platform != "linux" or machine not in supported:
        raise CannotFetch(
            f"there is no pinned build for {platform.system()} on {machine}"
            f" (there is one for Linux on {', '.join(supported)}).\n{otherwise}"
        )
    # An empty name means a C library that is not glibc (Alpine's musl): wheels do not run there.
    if platform.libc_ver()[0] != "glibc":
        raise CannotFetch(f"the pinned build needs glibc, which this Linux lacks.\n{otherwise}")
    return machine


def install(requirements: Path, pip_target: list[str], files: dict[str, Path], stamp: Path) -> bool:
    """Bring the wheel's members (patterns) to the paths in `files`, unless the stamp says so already.

    `pip_target` are pip's platform options. Files appear whole or not at all; the stamp comes last.
    """
    name, version = pinned(requirements)
    wanted = f"{name}=={version} {' '.join(pip_target)}\n"
    if stamp.is_file() and stamp.read_text() == wanted and all(p.is_file() for p in files.values()):
        return False
    print(f"fetching {name} {version} …", file=sys.stderr, flush=True)
    # Beside the target, not in /tmp, which may be small, or in memory.
    stamp.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".wheel-", dir=stamp.parent) as folder:
        (wheel,) = download(requirements, pip_target, Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            for pattern, target in files.items():
                _extract(archive, pattern, target)
    _write_whole(stamp, lambda out: out.write(wanted.encode()))
    return True


def download(requirements: Path, pip_target: list[str], folder: Path) -> list[Path]:
    """The wheels that a requirements file pins, with their hashes proved."""
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-input", "--no-deps", "--only-binary=:all:", "--require-hashes",
        "--requirement", str(requirements), "--dest", str(folder), *pip_target,
    ]  # fmt: skip
    # pip writes whole wheels to TMPDIR first, and /tmp may be small, or in memory.
    place = folder.resolve().parent
    place.mkdir(parents=True, exist_ok=True)
    # Some people forbid pip outside virtual environments; a download installs nothing.
    environment = {**os.environ, "PIP_REQUIRE_VIRTUALENV": "false", "TMPDIR": str(place)}
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
    if "No module named pip" in done.stderr:
        raise CannotFetch(
            f"{sys.executable} has no pip. Install it (Debian, Ubuntu: `apt-get install"
            " python3-pip`; Fedora: `dnf install python3-pip`) and run this again."
        )
    if done.returncode != 0:
        reason = "\n".join(f"    pip: {line}" for line in done.stderr.strip().splitlines()[-4:])
        advice = (
            "The file is not the one that was pinned: do not use it."
            if "DO NOT MATCH THE HASHES" in done.stderr
            else "Is there a network, and does `pip download` reach a package index (a proxy, pip.conf)?"
        )
        raise CannotFetch(f"pip could not download {pinned(requirements)[0]}.\n{reason}\n{advice}")
    return sorted(folder.glob("*.whl"))


def _extract(archive: zipfile.ZipFile, pattern: str, target: Path) -> None:
    members = [m for m in archive.namelist() if re.fullmatch(pattern, m)]
    if len(members) != 1:
        raise CannotFetch(f"the wheel holds {len(members)} files like {pattern}, expected one")
    with archive.open(members[0]) as source:
        _write_whole(target, lambda out: shutil.copyfileobj(source, out))


def _write_whole(target: Path, write) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".fetch-", delete=False) as out:
        try:
            write(out)
            os.fchmod(out.fileno(), 0o755 if target.suffix in ("", ".so") else 0o644)
        except BaseException:
            os.unlink(out.name)
            raise
    os.replace(out.name, target)


def main(run) -> None:
    """Run a fetch script: what cannot be done is said in words, not as a traceback.

    One that is told to end (a cancelled build) ends pip and removes what was not finished.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        run()
    except CannotFetch as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
    except OSError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: cannot write: {error}")
