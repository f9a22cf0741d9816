"""Official weights from the Hugging Face hub: asked for their sizes and licences first, resumed where a download broke off, then compared.

Nothing is downloaded with ANIMATO_OFFLINE or HF_HUB_OFFLINE set. HF_ENDPOINT names another hub, HF_TOKEN a user, as everywhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import GatedRepoError, HTTPError, RepositoryNotFoundError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from animato.core.errors import MissingModelError, OutputError
from animato.core.output import check_target, explained
from animato.core.progress import Progress, silent
from animato.weights.files import Official, Repository, in_words

OFFLINE = ("ANIMATO_OFFLINE", "HF_HUB_OFFLINE")
SPARE = 1 << 30  # bytes of disk to be left free


@dataclass(frozen=True)
class Download:
    """One file that is to be fetched, as the hub states it: bytes, sha256 (of large files only), revision and licence."""

    repository: Repository
    name: str
    size: int
    sha256: str | None
    revision: str
    licence: str

    def path(self, root: Path) -> Path:
        return root / self.repository.place / self.name


def ask(official: Official, root: Path, endpoint: str | None = None) -> list[Download]:
    """The files that a folder lacks. Raises MissingModelError when the hub cannot be asked or does not have them."""
    _check_online(official, root)
    wanted = [one for repository in official.repositories for one in _listed(repository, root, endpoint)]
    return [one for one in wanted if not (one.path(root).is_file() and one.path(root).stat().st_size == one.size)]


def notice(downloads: Sequence[Download], root: Path) -> str:
    """What a fetch will download, for telling the user beforehand."""
    lines = [f"{in_words(sum(one.size for one in downloads))} will be downloaded into {root}:"]
    for one in downloads:
        lines.append(f"  {one.repository.hub}: {one.name}, {in_words(one.size)}, licence {one.licence}")
    return "\n".join(lines)


def fetch(downloads: Sequence[Download], root: Path, endpoint: str | None = None, progress: Progress = silent) -> None:
    """Downloads the files one after the other and compares them with what the hub said. What has come stays, and the rest can be resumed.

    Raises MissingModelError when the hub fails or sends something else, OutputError when the folder cannot take the files.
    """
    _check_space(root, sum(one.size for one in downloads))
    for done, one in enumerate(downloads):
        progress("fetching", done, len(downloads))
        with explained(root), _hub_errors(one.repository, root):
            _download(one, root, endpoint)
    progress("fetching", len(downloads), len(downloads))


def _download(one: Download, root: Path, endpoint: str | None) -> None:
    """Appends to what an earlier call has left. `http_get`, because `hf_hub_download` throws that away when it is interrupted."""
    path = one.path(root)
    part = path.with_name(f"{path.name}.{one.revision[:8]}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    url = hf_hub_url(one.repository.hub, one.name, revision=one.revision, endpoint=endpoint)
    usable = part.is_file() and part.stat().st_size <= one.size
    with part.open("ab" if usable else "wb") as file:
        http_get(url, file, resume_size=file.tell(), headers=build_hf_headers(), expected_size=one.size, displayed_filename=one.name)
    with part.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if one.sha256 not in (None, sha256):
        part.unlink()
        raise MissingModelError(f"{path} did not arrive as {one.repository.hub} announced it, and was thrown away. Fetch it again.")
    part.replace(path)


def _check_online(official: Official, root: Path) -> None:
    """Offline means that nobody is asked, so this comes before the hub's own library is."""
    for switch in OFFLINE:
        if os.environ.get(switch, "0").upper() not in ("", "0", "NO", "OFF", "FALSE"):
            raise MissingModelError(
                f"The weights of {official.system} cannot be fetched while {switch} is set. Unset it, or put the files into {root}."
            )


def _listed(repository: Repository, root: Path, endpoint: str | None) -> Iterator[Download]:
    with _hub_errors(repository, root):
        info = HfApi(endpoint=endpoint).model_info(repository.hub, files_metadata=True)
    stated = info.card_data.license if info.card_data else None
    licence = str(stated or f"not stated there ({repository.licence} by what is known)")
    there = {one.rfilename: one for one in info.siblings or []}
    for name in repository.files:
        if name not in there:
            raise MissingModelError(f"{repository.hub} no longer has {name}. Get it elsewhere, and put it into {root / repository.place}.")
        lfs = there[name].lfs
        yield Download(repository, name, there[name].size or 0, lfs.sha256 if lfs else None, info.sha or "main", licence)


@contextmanager
def _hub_errors(repository: Repository, root: Path) -> Iterator[None]:
    """Turns what the hub's library raises into a sentence; what is wrong with the disk passes."""
    try:
        yield
    except GatedRepoError as error:
        raise MissingModelError(
            f"{repository.hub} wants its terms to be accepted first: do so on its page, log in with `hf auth login`, and fetch again."
        ) from error
    except RepositoryNotFoundError as error:
        where = f"Get {', '.join(repository.files)} elsewhere, and put them into {root / repository.place}."
        raise MissingModelError(f"The hub shows no repository {repository.hub}: it may have moved. {where}") from error
    except (HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError | TimeoutError):
            raise
        why = str(error).strip().split("\n")[0][:200].rstrip(".") or type(error).__name__
        what_to_do = "Check the network and fetch again: it goes on from there."
        raise MissingModelError(f"{repository.hub} could not be fetched: {why}. {what_to_do}") from error


def _check_space(root: Path, size: int) -> None:
    check_target(f"{root}/", (), re.compile(".*"))
    with explained(root):
        root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(root).free
    if free < size + SPARE:
        raise OutputError(
            f"{in_words(size)} do not fit onto the disk of {root}, where {in_words(free)} are free: free some, or choose another."
        )
