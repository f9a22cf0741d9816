"""Animate Anyone's official files, as the widely used reimplementation publishes them."""

from __future__ import annotations

from animato.weights.files import IMAGE_ENCODER_REPOSITORY, REFERENCED, VAE_REPOSITORY, Official, Repository

OFFICIAL = Official(
    "animate-anyone",
    REFERENCED,
    (
        Repository(
            "patrolli/AnimateAnyone", "Apache-2.0", ("reference_unet.pth", "denoising_unet.pth", "motion_module.pth", "pose_guider.pth")
        ),
        VAE_REPOSITORY,
        IMAGE_ENCODER_REPOSITORY,
    ),
)
