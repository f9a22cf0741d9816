"""The official weight files as data: what they are called, how large they are, under which licence and where they are published.

Sizes follow from the shapes of the networks (fp32). Repositories and licences are those that the publishers' own instructions name; they
could not be visited where this was written. No sha256 is known beforehand: a fetch compares with the one that the hub itself states.
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
        """The weight file of this piece below a folder, or None."""
        if self.folder:
            return next((path for name in self.names if (path := find_weights(root / name))), None)
        return find_weights(root, self.names)

    def lacks(self, root: Path) -> str:
        """What is missing of this piece below a folder, in words; nothing if it is complete."""
        path = self.find(root)
        if path is None:
            return f"{self.names[0]}{'/' if self.folder else self.ending} ({in_words(self.size)})"
        config = path.parent / "config.json"
        return config.relative_to(root).as_posix() if self.folder and not config.is_file() else ""


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
    """The official weights of one system."""

    system: str
    pieces: tuple[Piece, ...]
    repositories: tuple[Repository, ...]

    def missing(self, root: Path) -> dict[Piece, str]:
        """What a folder lacks of that which the system cannot do without: pieces, and in words what of them is missing."""
        return {piece: lacks for piece in self.pieces if piece.needed and (lacks := piece.lacks(root))}

    def find(self, root: Path, pieces: tuple[Piece, ...] = ()) -> dict[Piece, Path]:
        """The weight files of pieces, by default of those that are needed. Raises MissingModelError that names all that is missing."""
        if not root.is_dir():
            raise MissingModelError(
                f"There is no folder {root} with weights of {self.system}. Run `animato fetch {self.system}`, or name theirs."
            )
        wanted = pieces or tuple(piece for piece in self.pieces if piece.needed)
        if missing := {piece: lacks for piece in wanted if (lacks := piece.lacks(root))}:
            fetch = f"Run `animato fetch {self.system}`, or put" if all(piece.needed for piece in missing) else "Put"
            raise MissingModelError(f"{root} lacks {', '.join(missing.values())}. {fetch} there what is missing.")
        return {piece: path for piece in wanted if (path := piece.find(root))}

    @property
    def folder(self) -> Path:
        """Where they are fetched to and looked for unless another folder is given."""
        return cache_folder() / self.system


# MusePose's own repository keeps its four in a folder.
REFERENCE_UNET = Piece("the ReferenceNet", ("reference_unet", "MusePose/reference_unet"), 3_438_035_200)
DENOISING_UNET = Piece("the denoiser without its motion module", ("denoising_unet", "MusePose/denoising_unet"), 3_438_083_856)
MOTION_MODULE = Piece("the denoiser's motion module", ("motion_module", "MusePose/motion_module"), 1_817_670_400)
POSE_GUIDER = Piece("the Pose Guider", ("pose_guider", "MusePose/pose_guider"), 4_345_920)
VAE = Piece("Stable Diffusion's VAE", ("sd-vae-ft-mse", "vae"), 334_615_452, folder=True)
IMAGE_ENCODER = Piece("CLIP's image encoder", ("image_encoder", "sd-image-variations-diffusers/image_encoder"), 1_215_864_832, folder=True)
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

ANIMATE_ANYONE = Official(
    "animate-anyone",
    (REFERENCE_UNET, DENOISING_UNET, MOTION_MODULE, POSE_GUIDER, VAE, IMAGE_ENCODER, BASE_UNET),
    (
        Repository(
            "patrolli/AnimateAnyone", "Apache-2.0", ("reference_unet.pth", "denoising_unet.pth", "motion_module.pth", "pose_guider.pth")
        ),
        VAE_REPOSITORY,
        IMAGE_ENCODER_REPOSITORY,
    ),
)
MUSE_POSE = Official(
    "muse-pose",
    ANIMATE_ANYONE.pieces,
    (
        Repository(
            "TMElyralab/MusePose",
            "CreativeML OpenRAIL-M",
            tuple(f"MusePose/{name}.pth" for name in ("reference_unet", "denoising_unet", "motion_module", "pose_guider")),
        ),
        VAE_REPOSITORY,
        IMAGE_ENCODER_REPOSITORY,
    ),
)

# As its own folders are laid out, or with what is MagicAnimate's own in a folder of that name, as its instructions say.
TEMPORAL = Piece(
    "the motion modules, or the whole denoiser with them",
    ("temporal_attention/temporal_attention", "MagicAnimate/temporal_attention/temporal_attention", "temporal_attention"),
    5_110_013_456,
    ending=".ckpt",
)
ENCODER = Piece(
    "the appearance encoder",
    ("appearance_encoder/diffusion_pytorch_model", "MagicAnimate/appearance_encoder/diffusion_pytorch_model", "appearance_encoder"),
    3_428_266_240,
    ending=".safetensors",
)
CONTROLNET = Piece("the DensePose ControlNet", ("densepose_controlnet", "MagicAnimate/densepose_controlnet"), 1_445_116_480, folder=True)
SD_UNET = Piece("Stable Diffusion 1.5's U-Net", ("stable-diffusion-v1-5/unet", "unet"), 3_438_083_856, folder=True)
TEXT_ENCODER = Piece("CLIP's text encoder", ("stable-diffusion-v1-5/text_encoder", "text_encoder"), 492_241_920, folder=True)
MAGIC_ANIMATE = Official(
    "magic-animate",
    (TEMPORAL, ENCODER, CONTROLNET, SD_UNET, TEXT_ENCODER, VAE),
    (
        Repository(
            "zcxu-eric/MagicAnimate",
            "BSD-3-Clause",
            (
                "appearance_encoder/diffusion_pytorch_model.safetensors",
                "densepose_controlnet/config.json",
                "densepose_controlnet/diffusion_pytorch_model.safetensors",
                "temporal_attention/temporal_attention.ckpt",
            ),
        ),
        Repository(
            "stable-diffusion-v1-5/stable-diffusion-v1-5",
            "CreativeML OpenRAIL-M",
            ("unet/config.json", "unet/diffusion_pytorch_model.bin", "text_encoder/config.json", "text_encoder/pytorch_model.bin"),
            "stable-diffusion-v1-5",
        ),
        VAE_REPOSITORY,
    ),
)

UNIFIED_UNET = Piece("UniAnimate's network", ("unianimate_16f_32f_non_ema_223000", "unianimate"), 5_666_257_200)
SD_CHECKPOINT = Piece("Stable Diffusion 2.1, of which the VAE alone is read", ("v2-1_512-ema-pruned",), 5_214_388_912, ending=".ckpt")
OPEN_CLIP = Piece(
    "OpenCLIP ViT-H/14: its image side, and of its text side the empty prompt", ("open_clip_pytorch_model",), 3_944_437_764, ending=".bin"
)
UNI_ANIMATE = Official(
    "uni-animate",
    (UNIFIED_UNET, SD_CHECKPOINT, OPEN_CLIP),
    (
        # Its own instructions name ModelScope's iic/unianimate, which holds all three; this is a copy of that on the hub.
        Repository("camenduru/unianimate", "for research only, as its authors say", ("unianimate_16f_32f_non_ema_223000.pth",)),
        Repository("stabilityai/stable-diffusion-2-1-base", "CreativeML OpenRAIL++-M", ("v2-1_512-ema-pruned.safetensors",)),
        Repository("laion/CLIP-ViT-H-14-laion2B-s32B-b79K", "MIT", ("open_clip_pytorch_model.bin",)),
    ),
)
OFFICIAL = (ANIMATE_ANYONE, MUSE_POSE, MAGIC_ANIMATE, UNI_ANIMATE)


def in_words(size: float) -> str:
    """Bytes in words: 3.4 GB, 335 MB, 1 kB."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.{1 if name == 'GB' else 0}f} {name}"
    return f"{max(1, round(size / 1e3))} kB"
