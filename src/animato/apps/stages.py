"""What people read while work goes on: the stages of the code in plain words."""

from __future__ import annotations

STAGES = {  # name in the code: what people read, and what is counted
    "picture": ("Finding the person in the picture", ""),
    "pose": ("Reading the motion", "frame"),
    "camera": ("Watching the camera", "frame"),
    "encode": ("Reading the picture and the poses", "frame"),
    "denoise": ("Making the frames from noise", "step"),
    "take apart": ("Taking the picture apart", ""),
    "fill the background": ("Filling the background", ""),
    "write": ("Making and writing the frames", "frame"),
    "driving": ("Preparing the driving video", "frame"),
    "preview": ("Drawing the alignment", "frame"),
    "frames": ("Making the frames", "frame"),
    "measure": ("Measuring the result", "frame"),
    "fetching": ("Fetching files", "byte"),
    "checking": ("Checking what has come", "byte"),
    "pose models": ("Fetching the pose models", ""),
    "loading weights": ("Reading the weights", "network"),
    "converting": ("Writing the weights", "network"),
    "build networks": ("Building the networks", ""),
    "train": ("Training", "step"),
}


def in_words(stage: str) -> tuple[str, str]:
    """What people read of a stage, and what is counted in it. "NAME: stage" is that of one of several systems."""
    whose, sign, own = stage.rpartition(": ")
    words, unit = STAGES.get(own, (own, ""))
    return f"{whose}{sign}{words}", unit
