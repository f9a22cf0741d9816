"""Pieces of official weights that several systems share: Stable Diffusion's, CLIP's, and the layout of systems with a ReferenceNet."""

from __future__ import annotations

from animato.weights.files import CONFIG, File, Folder, Offer, Piece, Remote, Source
from animato.weights.places import HuggingFace, ModelScope, Place

OPENRAIL = "CreativeML OpenRAIL-M"
DIFFUSERS = "diffusion_pytorch_model.safetensors"  # the weight file of a folder of diffusers

VAE = Piece("Stable Diffusion's VAE", (Folder(("sd-vae-ft-mse", "vae"), 334_615_452),))
IMAGE_ENCODER = Piece("CLIP's image encoder", (Folder(("image_encoder", "sd-image-variations-diffusers/image_encoder"), 1_215_864_832),))
SD_UNET = Piece("Stable Diffusion 1.5's U-Net", (Folder(("stable-diffusion-v1-5/unet", "unet"), 3_438_083_856),))
TEXT_ENCODER = Piece("CLIP's text encoder", (Folder(("stable-diffusion-v1-5/text_encoder", "text_encoder"), 492_241_920),))

REFERENCE_UNET = Piece("the ReferenceNet", (File(("reference_unet",), 3_438_035_200),))
DENOISING_UNET = Piece("the denoiser without its motion module", (File(("denoising_unet",), 3_438_083_856),))
MOTION_MODULE = Piece("the denoiser's motion module", (File(("motion_module",), 1_817_670_400),))
POSE_GUIDER = Piece("the Pose Guider", (File(("pose_guider",), 4_345_920),))
OWN_FOUR = (REFERENCE_UNET, DENOISING_UNET, MOTION_MODULE, POSE_GUIDER)
BASE_UNET = Piece(
    "Stable Diffusion 1.5's U-Net, or that of its image variations, from which training begins; the four files above replace all of it",
    (Folder(("stable-diffusion-v1-5/unet", "sd-image-variations-diffusers/unet", "unet"), 3_438_083_856),),
    needed=False,
)


# sha256 of files, as several public lists agree on them
VAE_SHA256 = "a1d993488569e928462932c8c38a0760b874d166399b14414135bd9c42df5815"  # of Stable Diffusion 2.1's as well
IMAGE_ENCODER_SHA256 = "89d2aa29b5fdf64f3ad4f45fb4227ea98bc45156bbae673b85be1af7783dbabb"  # of pytorch_model.bin
SD_UNET_SHA256 = "19da7aaa4b880e59d56843f1fcb4dd9b599c28a1d9d9af7c1143057c8ffae9f1"
TEXT_ENCODER_SHA256 = "d008943c017f0092921106440254dbbe00b6a285f7883ec8ba160c3faad88334"


def folder_of(at: Place, piece: Piece, path: str = "", file: str = DIFFUSERS, *, to: str = "", sha256: str = "") -> Source:
    """A place that has a piece as a folder. path: of that folder, with a slash at its end. sha256: of its weight file."""
    return Source(at, (Remote(f"{path}{CONFIG}"), Remote(f"{path}{file}", piece.size, sha256)), to)


VAE_OFFER = Offer(
    VAE,
    "MIT",
    tuple(
        folder_of(HuggingFace(f"{owner}/sd-vae-ft-mse"), VAE, to="sd-vae-ft-mse", sha256=VAE_SHA256)
        for owner in ("stabilityai", "diffusers")
    ),
)
IMAGE_ENCODER_OFFER = Offer(
    IMAGE_ENCODER,
    OPENRAIL,
    (
        folder_of(
            HuggingFace("lambdalabs/sd-image-variations-diffusers"),
            IMAGE_ENCODER,
            "image_encoder/",
            "pytorch_model.bin",
            sha256=IMAGE_ENCODER_SHA256,
        ),
    ),
)
SD_FOLDER = "stable-diffusion-v1-5"
SD_PLACES = (
    HuggingFace("stable-diffusion-v1-5/stable-diffusion-v1-5"),
    ModelScope("AI-ModelScope/stable-diffusion-v1-5"),  # a copy: the sha256 holds
)
SD_UNET_OFFER = Offer(SD_UNET, OPENRAIL, tuple(folder_of(at, SD_UNET, "unet/", to=SD_FOLDER, sha256=SD_UNET_SHA256) for at in SD_PLACES))
TEXT_ENCODER_OFFER = Offer(
    TEXT_ENCODER,
    OPENRAIL,
    tuple(folder_of(at, TEXT_ENCODER, "text_encoder/", "model.safetensors", to=SD_FOLDER, sha256=TEXT_ENCODER_SHA256) for at in SD_PLACES),
)


def referenced(hub: str, licence: str, path: str = "") -> tuple[Offer, ...]:
    """All that a system with a ReferenceNet and a Pose Guider needs. path: of its own four in its repository, with a slash at its end."""
    own = [
        Offer(piece, licence, (Source(HuggingFace(hub), (Remote(f"{path}{form.names[0]}{form.ending}", form.size),)),))
        for piece in OWN_FOUR
        for form in piece.forms
        if isinstance(form, File)
    ]
    return (*own, VAE_OFFER, IMAGE_ENCODER_OFFER, Offer(BASE_UNET, OPENRAIL))
