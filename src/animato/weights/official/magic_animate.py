"""MagicAnimate's official files: its own three, Stable Diffusion's U-Net and text encoder, a VAE."""

from __future__ import annotations

from animato.weights.files import SD_REPOSITORY, SD_UNET, TEXT_ENCODER, VAE, VAE_REPOSITORY, Official, Piece, Repository

TEMPORAL = Piece(
    "the motion modules, or the whole denoiser with them",
    ("temporal_attention/temporal_attention", "temporal_attention"),
    5_110_013_456,
    ending=".ckpt",
)
ENCODER = Piece(
    "the appearance encoder",
    ("appearance_encoder/diffusion_pytorch_model", "appearance_encoder"),
    3_428_266_240,
    ending=".safetensors",
)
CONTROLNET = Piece("the DensePose ControlNet", ("densepose_controlnet",), 1_445_116_480, folder=True)

OFFICIAL = Official(
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
        SD_REPOSITORY,
        VAE_REPOSITORY,
    ),
    inside="MagicAnimate",
)
