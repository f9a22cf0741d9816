"""Skeletons as UniAnimate was trained on them: limbs of one width, with the feet, no face, channels reversed."""

from __future__ import annotations

from animato.pose.draw import BODY_LIMBS, HUES, Style

FOOT_LIMBS = ((13, 18), (10, 19))
FOOT_HUES = ((170, 255, 255), (255, 255, 0))
STYLE = Style(BODY_LIMBS + FOOT_LIMBS, HUES + FOOT_HUES, joints=20, limb_width=(4, 2), hand_joint=4, face=False, reversed=True)
