"""MagicAnimate's official files: its own three, Stable Diffusion's U-Net and text encoder, a VAE."""

from __future__ import annotations

from animato.weights.files import File, Folder, Offer, Official, Piece, Remote, Source
from animato.weights.official.shared import SD_UNET_OFFER, TEXT_ENCODER_OFFER, VAE_OFFER, folder_of
from animato.weights.places import HuggingFace

TEMPORAL = Piece(
    "the motion modules, or the whole denoiser with them",
    (File(("temporal_attention/temporal_attention", "temporal_attention"), 5_110_013_456, ".ckpt"),),
)
ENCODER = Piece(
    "the appearance encoder",
    (File(("appearance_encoder/diffusion_pytorch_model", "appearance_encoder"), 3_428_266_240, ".safetensors"),),
)
CONTROLNET = Piece("the DensePose ControlNet", (Folder(("densepose_controlnet",), 1_445_116_480),))

HUB = HuggingFace("zcxu-eric/MagicAnimate")
LICENCE = "BSD-3-Clause"

OFFICIAL = Official(
    "magic-animate",
    (
        Offer(TEMPORAL, LICENCE, (Source(HUB, (Remote("temporal_attention/temporal_attention.ckpt", TEMPORAL.size),)),)),
        Offer(ENCODER, LICENCE, (Source(HUB, (Remote("appearance_encoder/diffusion_pytorch_model.safetensors", ENCODER.size),)),)),
        Offer(CONTROLNET, LICENCE, (folder_of(HUB, CONTROLNET, "densepose_controlnet/"),)),
        SD_UNET_OFFER,
        TEXT_ENCODER_OFFER,
        VAE_OFFER,
    ),
    inside="MagicAnimate",
)
