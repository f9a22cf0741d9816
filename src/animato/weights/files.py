"""Official weight files as data: pieces, their forms, and the sources of each, in the order in which they are tried.

What is a system's own is in official/, a file a system. Sizes follow from the shapes of the networks (fp32), and agree with what public
pages say of the files. Where a sha256 or a revision is known, it stands here. What the hub states is compared with that before anything
is downloaded, and what arrives is compared with what the hub states.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from animato.core.cache import cache_folder
from animato.core.errors import MissingModelError
from animato.weights.places import Place

INDICES = tuple(f".{kind}.index{variant}.json" for variant in ("", ".fp16") for kind in ("safetensors", "bin"))  # of several files
ENDINGS = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", *INDICES)  # in this order, where there are several
STEMS = ("diffusion_pytorch_model", "diffusion_pytorch_model.fp16", "model", "model.fp16", "pytorch_model", "pytorch_model.fp16")
CONFIG = "config.json"
NEARLY = 0.02  # pickles and headers add so much to the bytes of the values, at most
HEADER = 4096  # bytes that any file may have more or fewer
UNKNOWN = 1_000_000  # bytes, at most, of a file of which no size is known
ROUNDED = 0.005  # pages say sizes in three digits


@dataclass(frozen=True)
class File:
    """A weight file with any of ENDINGS.

    names   without ending, below the folder of the weights; the published one first
    size    bytes of its values in fp32
    ending  of the published file
    """

    names: tuple[str, ...]
    size: int
    ending: str = ".pth"

    def find(self, root: Path) -> Path | None:
        """The weight file, or None."""
        return find_weights(root, self.names)

    def incomplete(self, path: Path) -> Path | None:
        """What is missing beside a weight file that was found: nothing."""
        return None

    def __str__(self) -> str:
        return f"{self.names[0]}{self.ending} ({in_words(self.size)})"


@dataclass(frozen=True)
class Folder:
    """A folder with config.json and a weight file, as diffusers and transformers write it. Fields as those of File."""

    names: tuple[str, ...]
    size: int

    def find(self, root: Path) -> Path | None:
        """The weight file in the folder, or None."""
        return next((path for name in self.names if (path := find_weights(root / name))), None)

    def incomplete(self, path: Path) -> Path | None:
        """What is missing beside a weight file that was found: its config.json, or nothing."""
        config = path.parent / CONFIG
        return None if config.is_file() else config

    def __str__(self) -> str:
        return f"{self.names[0]}/ ({in_words(self.size)})"


@dataclass(frozen=True)
class Network:
    """A file that is run as it is, and therefore has its published name: ONNX or TorchScript. size: bytes."""

    name: str
    size: int

    def find(self, root: Path) -> Path | None:
        """The file, or None."""
        return path if (path := root / self.name).is_file() else None

    def incomplete(self, path: Path) -> Path | None:
        """What is missing beside it: nothing."""
        return None

    def __str__(self) -> str:
        return f"{self.name} ({in_words(self.size)})"


Form = File | Folder | Network


@dataclass(frozen=True)
class Piece:
    """One of the things that official weights consist of. Any of its forms will do; the first one is the usual one."""

    what: str
    forms: tuple[Form, ...]
    needed: bool = True

    @property
    def size(self) -> int:
        """Bytes of its values in fp32, in its usual form."""
        return self.forms[0].size


@dataclass(frozen=True)
class Remote:
    """A file of a repository. size: bytes, but for headers, 0 where they are not known. sha256: empty where it is not known."""

    name: str
    size: int = 0
    sha256: str = ""

    @property
    def most(self) -> int:
        """Bytes that it may have: some more than are known, for headers; few where nothing is known, as only of settings."""
        return self.size + max(round(NEARLY * self.size), HEADER) if self.size else UNKNOWN

    def fits(self, size: int) -> bool:
        """Whether so many bytes may be it."""
        return size <= self.most and (not self.size or size >= self.size - max(NEARLY * self.size, HEADER))


@dataclass(frozen=True)
class Source:
    """Files in one place that make a piece.

    folder  below the weights' own, where they are put
    """

    at: Place
    files: tuple[Remote, ...]
    folder: str = ""

    def path(self, file: Remote, root: Path) -> Path:
        """Where a file is put."""
        return root / self.folder / file.name


@dataclass(frozen=True)
class Offer:
    """A piece, the licence that it is under, and the sources that have it, in the order in which they are tried."""

    piece: Piece
    licence: str
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Lookalike:
    """A file that has the name of a piece and is something else. It is known by its size in bytes, as pages round it."""

    piece: Piece
    size: int
    what: str

    def is_of(self, size: int) -> bool:
        """Whether it is a file of so many bytes."""
        return abs(size - self.size) <= ROUNDED * self.size


@dataclass(frozen=True)
class Official:
    """The official weights of one system, or of one network that is used beside them.

    inside      a folder in which its publishers keep what is their own; looked into as well, and not asked for
    lookalikes  files that are not to be taken for its pieces
    beside      what else its publishers have, for whoever wants to use it
    kept        the folder below the cache, where that is not of the system's name
    caution     what to know before it is used
    use         a command that uses it, where it is used by another name
    """

    system: str
    offers: tuple[Offer, ...]
    inside: str = ""
    lookalikes: tuple[Lookalike, ...] = ()
    beside: tuple[Official, ...] = ()
    kept: str = ""
    caution: str = ""
    use: str = ""

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return tuple(offer.piece for offer in self.offers)

    def path(self, piece: Piece, root: Path) -> Path | None:
        """The weight file of a piece below a folder, of a complete form if there is one; or None."""
        found = self._found(piece, root)
        return next((path for form, path in found if not form.incomplete(path)), found[0][1] if found else None)

    def lacks(self, piece: Piece, root: Path) -> str:
        """What is missing of a piece below a folder, in words; nothing if it is complete."""
        path = self.path(piece, root)
        if path is None:
            return " or ".join(str(form) for form in piece.forms)
        if wrong := next((one for one in self.lookalikes if one.piece == piece and one.is_of(path.stat().st_size)), None):
            return f"{piece.forms[0]}; the {path.name} there is {wrong.what}"
        lacking = [missing for form, found in self._found(piece, root) if found == path and (missing := form.incomplete(path))]
        return lacking[0].relative_to(root).as_posix() if lacking else ""

    def missing(self, root: Path) -> dict[Piece, str]:
        """What a folder lacks of that which the system cannot do without: pieces, and in words what of them is missing."""
        return {piece: lacks for piece in self.pieces if piece.needed and (lacks := self.lacks(piece, root))}

    def find(self, root: Path, pieces: tuple[Piece, ...] = ()) -> dict[Piece, Path]:
        """The weight files of pieces, by default of those that are needed. Raises MissingModelError that names all that is missing."""
        if not root.is_dir():
            raise MissingModelError(
                f"There is no folder {root} with weights of {self.system}. Run `animato fetch {self.system}`, or name theirs."
            )
        wanted = pieces or tuple(piece for piece in self.pieces if piece.needed)
        if missing := {piece: lacks for piece in wanted if (lacks := self.lacks(piece, root))}:
            fetch = f"Run `animato fetch {self.system}`, or put" if all(piece.needed for piece in missing) else "Put"
            raise MissingModelError(f"{root} lacks {', '.join(missing.values())}. {fetch} there what is missing.")
        return {piece: path for piece in wanted if (path := self.path(piece, root))}

    def _found(self, piece: Piece, root: Path) -> list[tuple[Form, Path]]:
        """All forms of a piece that are there, complete or not."""
        roots = (root, root / self.inside) if self.inside else (root,)
        return [(form, path) for form in piece.forms for folder in roots if (path := form.find(folder))]

    @property
    def folder(self) -> Path:
        """Where they are fetched to and looked for unless another folder is given."""
        return cache_folder() / (self.kept or self.system)


def find_weights(folder: Path, stems: tuple[str, ...] = STEMS) -> Path | None:
    """The first weight file in a folder with one of the stems and ENDINGS, or None."""
    return next((path for stem in stems for ending in ENDINGS if (path := folder / f"{stem}{ending}").is_file()), None)


def in_words(size: float) -> str:
    """Bytes in words: 3.4 GB, 335 MB, 1 kB."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.{1 if name == 'GB' else 0}f} {name}"
    return f"{max(1, round(size / 1e3))} kB"
