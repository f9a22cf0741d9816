"""Skeletons as Animate Anyone was trained on them: limbs of one width, with the face."""

from __future__ import annotations

from animato.pose.draw import BODY_LIMBS, HUES, Style

STYLE = Style(BODY_LIMBS, HUES, joints=18, limb_width=(4, 2), hand_joint=4, face=True, reversed=False)
