"""Names of what is not finished yet: each says whose it is, so that a later run knows what nobody will ever finish."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import secrets
import sys
from pathlib import Path

import psutil

_ENDING = r"\.[A-Za-z0-9]{1,15}"  # another one is no kind of file, and file names may not be long
_NAME = re.compile(
    rf"\.animato-(?P<old>old-)?(?P<host>[0-9a-f]{{8}})-(?P<pid>[1-9][0-9]{{0,9}})-(?P<begun>[0-9]{{1,20}})-[0-9a-f]{{8}}({_ENDING})?"
)
_GONE = (b"Z", b"X")  # what Linux calls a process that has ended and is only remembered
_UNKNOWN = 0  # when a process began, where the system does not tell


def hidden_beside(target: Path) -> Path:
    """A new name in the target's folder, with its ending: `.animato-HOST-PROCESS-BEGIN-RANDOM.mp4`, all of this process."""
    ending = target.suffix if re.fullmatch(_ENDING, target.suffix) else ""
    return target.with_name(f".animato-{_whose()}{ending}")


def aside_of(target: Path) -> Path:
    """A new name for the folder in which an older result waits for the moment in which the new one takes its place."""
    return target.with_name(f".animato-old-{_whose()}")


def is_left(name: str) -> bool:
    """Whether a name is of a process of this machine that has ended; False for any other name, and where that cannot be told."""
    said = _NAME.fullmatch(name)
    if not said or said["host"] != _host():
        return False
    try:
        return _begun(int(said["pid"])) not in (int(said["begun"]), _UNKNOWN) and int(said["begun"]) != _UNKNOWN
    except OverflowError:
        return False


def is_aside(name: str) -> bool:
    """Whether a name is one that `aside_of` gives."""
    said = _NAME.fullmatch(name)
    return bool(said and said["old"])


def _whose() -> str:
    return f"{_host()}-{os.getpid()}-{_begun(os.getpid()) or _UNKNOWN}-{secrets.token_hex(4)}"


def _host() -> str:
    """This machine. A container numbers its processes anew, so it counts as a machine of its own."""
    try:
        numbering = os.readlink("/proc/self/ns/pid")
    except OSError:
        numbering = ""
    return hashlib.sha256(f"{platform.node()} {numbering}".encode()).hexdigest()[:8]


def _begun(pid: int) -> int | None:
    """When a process began, so that another one that got its number later is not taken for it; None if there is none of that number.

    Linux's own count is taken where it is there: it does not move when the clock is set.
    """
    try:
        if sys.platform == "linux":
            return _begun_on_linux(pid)
        return round(psutil.Process(pid).create_time() * 100)
    except psutil.NoSuchProcess:
        return None
    except (OSError, psutil.Error):
        return _UNKNOWN


def _begun_on_linux(pid: int) -> int | None:
    try:
        told = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return _hidden_process(pid)
    fields = told[told.rindex(b")") + 2 :].split()  # the name before it may hold anything
    return None if fields[0] in _GONE else int(fields[19])


def _hidden_process(pid: int) -> int | None:
    """Some machines do not show the processes of others in /proc."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return None if error.errno == errno.ESRCH else _UNKNOWN
    return _UNKNOWN
