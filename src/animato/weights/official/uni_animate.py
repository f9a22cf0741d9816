"""UniAnimate's official files: its network, Stable Diffusion 2.1's VAE, OpenCLIP."""

from __future__ import annotations

from animato.weights.files import Official, Piece, Repository

UNIFIED_UNET = Piece("UniAnimate's network", ("unianimate_16f_32f_non_ema_223000", "unianimate"), 5_666_257_200)
SD_CHECKPOINT = Piece("Stable Diffusion 2.1, of which the VAE alone is read", ("v2-1_512-ema-pruned",), 5_214_388_912, ending=".ckpt")
OPEN_CLIP = Piece(
    "OpenCLIP ViT-H/14: its image side, and of its text side the empty prompt", ("open_clip_pytorch_model",), 3_944_437_764, ending=".bin"
)

OFFICIAL = Official(
    "uni-animate",
    (UNIFIED_UNET, SD_CHECKPOINT, OPEN_CLIP),
    (
        # Its own instructions name ModelScope's iic/unianimate, which holds all three; this is a copy of that on the hub.
        Repository("camenduru/unianimate", "for research only, as its authors say", ("unianimate_16f_32f_non_ema_223000.pth",)),
        Repository("stabilityai/stable-diffusion-2-1-base", "CreativeML OpenRAIL++-M", ("v2-1_512-ema-pruned.safetensors",)),
        Repository("laion/CLIP-ViT-H-14-laion2B-s32B-b79K", "MIT", ("open_clip_pytorch_model.bin",)),
    ),
)
