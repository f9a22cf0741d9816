"""MusePose's official files: the names of Animate Anyone's, in a folder of its own."""

from __future__ import annotations

from animato.weights.files import IMAGE_ENCODER_REPOSITORY, REFERENCED, VAE_REPOSITORY, Official, Repository

OFFICIAL = Official(
    "muse-pose",
    REFERENCED,
    (
        Repository(
            "TMElyralab/MusePose",
            "CreativeML OpenRAIL-M",
            tuple(f"MusePose/{name}.pth" for name in ("reference_unet", "denoising_unet", "motion_module", "pose_guider")),
        ),
        VAE_REPOSITORY,
        IMAGE_ENCODER_REPOSITORY,
    ),
    inside="MusePose",
)
