"""Skeletons as MusePose was trained on them: limbs that grow with the bone, no face, channels reversed, drawn at 1024 pixels."""

from __future__ import annotations

from animato.pose.draw import BODY_LIMBS, HUES, Style

STYLE = Style(BODY_LIMBS, HUES, joints=18, limb_width=None, hand_joint=3, face=False, reversed=True, side=1024)
