"""Packages that only some of what animato does needs: which they are, and one sentence where they are missing."""

from __future__ import annotations

from importlib.util import find_spec

from animato.core.errors import MissingModelError

DIFFUSION = ("torch", "diffusers", "transformers", "accelerate", "huggingface_hub", "safetensors")  # of the extra [diffusion]
TRAINING = (*DIFFUSION, "tensorboard")  # of the extra [train]
EXTRAS = {DIFFUSION: "diffusion", TRAINING: "train"}


def missing(packages: tuple[str, ...] = DIFFUSION) -> list[str]:
    """Those of the packages that are not on this machine. Nothing is imported."""
    return [name for name in packages if find_spec(name) is None]


def check_installed(who: str, packages: tuple[str, ...] = DIFFUSION) -> None:
    """Raises MissingModelError where packages are missing. To be called before anything of them is imported."""
    if absent := missing(packages):
        raise MissingModelError(
            f"{who} needs packages that are not installed here ({', '.join(absent)}). "
            f'Run: pip install "animato[{EXTRAS.get(packages, "diffusion")}]"'
        )
