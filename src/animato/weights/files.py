"""Official weight files as data: pieces, repositories, what one system needs; and the pieces that several systems share.

What is a system's own is in official/, a file a system. Sizes follow from the shapes of the networks (fp32). Repositories and licences
are those that the publishers' own instructions name; they could not be visited where this was written. No sha256 is known beforehand: a
fetch compares with the one that the hub itself states.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from animato.core.errors import MissingModelError
from animato.pose.estimator.models import cache_folder

INDICES = tuple(f".{kind}.index{variant}.json" for variant in ("", ".fp16") for kind in ("safetensors", "bin"))  # of several files
ENDINGS = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", *INDICES)  # in this order, where there are several
STEMS = ("diffusion_pytorch_model", "diffusion_pytorch_model.fp16", "model", "model.fp16", "pytorch_model", "pytorch_model.fp16")


@dataclass(frozen=True)
class Piece:
    """One of the things that official weights consist of: a file with any of ENDINGS, or a folder with config.json and such a file."""

    what: str
    names: tuple[str, ...]  # the published one first; without ending
    size: int  # bytes of its values in fp32
    folder: bool = False
    needed: bool = True
    ending: str = ".pth"  # of the published file

    def find(self, root: Path) -> Path | None:
        """The weight file of this piece directly below a folder, or None."""
        if self.folder:
            return next((path for name in self.names if (path := find_weights(root / name))), None)
        return find_weights(root, self.names)


def find_weights(folder: Path, stems: tuple[str, ...] = STEMS) -> Path | None:
    """The first weight file in a folder with one of the stems and ENDINGS, or None."""
    return next((path for stem in stems for ending in ENDINGS if (path := folder / f"{stem}{ending}").is_file()), None)


@dataclass(frozen=True)
class Repository:
    """A repository of the Hugging Face hub, the files wanted of it, and the folder below the weights' own where they are put."""

    hub: str
    licence: str
    files: tuple[str, ...]
    place: str = ""


@dataclass(frozen=True)
class Official:
    """The official weights of one system.

    inside  a folder in which its publishers keep what is their own; looked into as well, and not asked for
    """

    system: str
    pieces: tuple[Piece, ...]
    repositories: tuple[Repository, ...]
    inside: str = ""

    def path(self, piece: Piece, root: Path) -> Path | None:
        """The weight file of a piece below a folder, or None."""
        return piece.find(root) or (piece.find(root / self.inside) if self.inside else None)

    def lacks(self, piece: Piece, root: Path) -> str:
        """What is missing of a piece below a folder, in words; nothing if it is complete."""
        path = self.path(piece, root)
        if path is None:
            return f"{piece.names[0]}{'/' if piece.folder else piece.ending} ({in_words(piece.size)})"
        config = path.parent / "config.json"
        return config.relative_to(root).as_posix() if piece.folder and not config.is_file() else ""

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

    @property
    def folder(self) -> Path:
        """Where they are fetched to and looked for unless another folder is given."""
        return cache_folder() / self.system


VAE = Piece("Stable Diffusion's VAE", ("sd-vae-ft-mse", "vae"), 334_615_452, folder=True)
IMAGE_ENCODER = Piece("CLIP's image encoder", ("image_encoder", "sd-image-variations-diffusers/image_encoder"), 1_215_864_832, folder=True)
SD_UNET = Piece("Stable Diffusion 1.5's U-Net", ("stable-diffusion-v1-5/unet", "unet"), 3_438_083_856, folder=True)
TEXT_ENCODER = Piece("CLIP's text encoder", ("stable-diffusion-v1-5/text_encoder", "text_encoder"), 492_241_920, folder=True)
# What systems with a ReferenceNet share.
REFERENCE_UNET = Piece("the ReferenceNet", ("reference_unet",), 3_438_035_200)
DENOISING_UNET = Piece("the denoiser without its motion module", ("denoising_unet",), 3_438_083_856)
MOTION_MODULE = Piece("the denoiser's motion module", ("motion_module",), 1_817_670_400)
POSE_GUIDER = Piece("the Pose Guider", ("pose_guider",), 4_345_920)
BASE_UNET = Piece(
    "Stable Diffusion 1.5's U-Net, or that of its image variations, from which training begins; the four files above replace all of it",
    ("stable-diffusion-v1-5/unet", "sd-image-variations-diffusers/unet", "unet"),
    3_438_083_856,
    folder=True,
    needed=False,
)

VAE_REPOSITORY = Repository("stabilityai/sd-vae-ft-mse", "MIT", ("config.json", "diffusion_pytorch_model.safetensors"), "sd-vae-ft-mse")
IMAGE_ENCODER_REPOSITORY = Repository(
    "lambdalabs/sd-image-variations-diffusers",
    "CreativeML OpenRAIL-M",
    ("image_encoder/config.json", "image_encoder/pytorch_model.bin"),
)
SD_REPOSITORY = Repository(
    "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "CreativeML OpenRAIL-M",
    ("unet/config.json", "unet/diffusion_pytorch_model.bin", "text_encoder/config.json", "text_encoder/pytorch_model.bin"),
    "stable-diffusion-v1-5",
)
REFERENCED = (REFERENCE_UNET, DENOISING_UNET, MOTION_MODULE, POSE_GUIDER, VAE, IMAGE_ENCODER, BASE_UNET)


def in_words(size: float) -> str:
    """Bytes in words: 3.4 GB, 335 MB, 1 kB."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.{1 if name == 'GB' else 0}f} {name}"
    return f"{max(1, round(size / 1e3))} kB"
