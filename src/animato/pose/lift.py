"""Depth for poses that have none."""

from __future__ import annotations

from animato.pose.keypoints import PoseSequence


def lifted(poses: PoseSequence) -> PoseSequence:
    return poses
