"""Where official files lie: a closed union of the kinds of sources, and whom a user wants to be asked for each. Plain data."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from animato.core.errors import InputError

HUGGING_FACE = "https://huggingface.co"
MODELSCOPE = "https://modelscope.cn"
GITHUB = "https://api.github.com"
SECONDS_WITHOUT_A_BYTE = 60.0
PAUSES = (1.0, 5.0, 20.0)  # seconds before a broken connection is tried again, where the last one brought nothing


@dataclass(frozen=True)
class HuggingFace:
    """A repository of the Hugging Face hub. revision: a branch, or the commit that is meant where it is known."""

    repository: str
    revision: str = "main"

    def __str__(self) -> str:
        return self.repository


@dataclass(frozen=True)
class ModelScope:
    """A repository of ModelScope, which names its branches in its own way."""

    repository: str
    revision: str = "master"

    def __str__(self) -> str:
        return f"ModelScope's {self.repository}"


@dataclass(frozen=True)
class Web:
    """Files below an address. Nobody lists them: each is asked for by its name."""

    address: str

    def __str__(self) -> str:
        return self.address.removeprefix("https://")


@dataclass(frozen=True)
class GitHub:
    """The files of all releases of a repository, the newest release first."""

    repository: str

    def __str__(self) -> str:
        return f"github.com/{self.repository}"


Place = HuggingFace | ModelScope | GitHub | Web


@dataclass(frozen=True)
class Hubs:
    """Whom to ask, and how patiently.

    token   of a user of the Hugging Face hub; nobody else ever gets it
    stall   seconds without any byte after which a source is given up
    pauses  seconds before each further try of a connection that broke and brought nothing
    An address of http:// is asked only where a hub is named with it here.
    """

    hugging_face: str = HUGGING_FACE
    modelscope: str = MODELSCOPE
    github: str = GITHUB
    token: str = ""
    stall: float = SECONDS_WITHOUT_A_BYTE
    pauses: tuple[float, ...] = PAUSES


def hubs_of(environment: Mapping[str, str] | None = None) -> Hubs:
    """Whom the environment names: HF_ENDPOINT, MODELSCOPE_ENDPOINT (or MODELSCOPE_DOMAIN), HF_TOKEN. Raises InputError."""
    given = os.environ if environment is None else environment
    domain = given.get("MODELSCOPE_DOMAIN", "").strip()
    modelscope = given.get("MODELSCOPE_ENDPOINT", "").strip() or (domain if "://" in domain or not domain else f"https://{domain}")
    return Hubs(
        _address("HF_ENDPOINT", given.get("HF_ENDPOINT", "").strip() or HUGGING_FACE),
        _address("MODELSCOPE_ENDPOINT", modelscope or MODELSCOPE),
        token=_token(given),
    )


def _address(name: str, value: str) -> str:
    """An address without its last slash. Raises InputError."""
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        known = False
    if not known or re.search(r"[\s\x00-\x1f]", value):
        raise InputError(f"{name} is {value!r}, which is no address: write it as https://huggingface.co is written, or unset it.")
    return value.rstrip("/")


def _token(given: Mapping[str, str]) -> str:
    """The token of a user who is logged in, or nothing. It stands in the environment or where `hf auth login` puts it."""
    if token := given.get("HF_TOKEN", "").strip():
        return token
    home = Path(given.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    try:
        kept = Path(given.get("HF_TOKEN_PATH") or home / "token").expanduser()
        return kept.read_text("ascii").strip() if kept.is_file() and kept.stat().st_size < 1000 else ""
    except (OSError, ValueError):
        return ""
