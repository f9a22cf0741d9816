"""The texture atlas of a procedural person: skin, face, hair and clothes painted flat."""

from __future__ import annotations

import cv2
import numpy as np

from animato.people import limbs, torso
from animato.people.face import paint_face
from animato.people.looks import SKIRT_TOP, Cloth, Colour, Look, mixed
from animato.people.mesh import ARM, HAIR, HAND, LEG, SHOE, SKIN, SKIRT, TORSO, Region

ATLAS = 1024


def paint(look: Look) -> np.ndarray:
    """ATLAS ATLAS 3 uint8 RGB."""
    atlas = np.empty((ATLAS, ATLAS, 3), np.uint8)
    atlas[:] = look.skin
    paint_face(_view(atlas, SKIN), look)
    _paint_hair(_view(atlas, HAIR), look)
    _paint_torso(_view(atlas, TORSO), look)
    _paint_arm(_view(atlas, ARM), look)
    _paint_leg(_view(atlas, LEG), look)
    _paint_shoe(_view(atlas, SHOE), look)
    _paint_hand(_view(atlas, HAND), look)
    if look.skirt:
        _paint_skirt(_view(atlas, SKIRT), look)
    return atlas


def _view(atlas: np.ndarray, region: Region) -> np.ndarray:
    left, top = round(region.left * ATLAS), round(region.top * ATLAS)
    return atlas[top : top + round(region.height * ATLAS), left : left + round(region.width * ATLAS)]


def _axes(view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """s (1 W) round the tube and t (H 1) along it."""
    height, width = view.shape[:2]
    return (np.arange(width)[None] + 0.5) / width, (np.arange(height)[:, None] + 0.5) / height


def _darker(colour: Colour, factor: float) -> Colour:
    return mixed((0, 0, 0), colour, factor)


def fabric(view: np.ndarray, cloth: Cloth, width: float, height: float) -> np.ndarray:
    """H W 3 uint8: a cloth as wide and high as `view`, which stands for so many metres."""
    s, t = _axes(view)
    x, y = s * width, t * height
    step = 0.06 * cloth.scale
    pattern = np.zeros(view.shape[:2], bool)
    if cloth.pattern == "stripes":
        pattern |= np.mod(y, step) < 0.45 * step
    elif cloth.pattern == "columns":
        pattern |= np.mod(x, width / max(round(width / step), 2)) < 0.3 * step
    elif cloth.pattern == "checks":
        across = width / max(2 * round(width / step / 2), 2)
        pattern |= (np.mod(x, 2 * across) < across) ^ (np.mod(y, 2 * step) < step)
    elif cloth.pattern == "dots":
        across = width / max(round(width / step), 2)
        pattern |= (np.mod(x + across / 2 * (np.floor(y / step) % 2), across) - across / 2) ** 2 + (np.mod(y, step) - step / 2) ** 2 < (
            0.26 * step
        ) ** 2
    return np.where(pattern[..., None], np.array(cloth.second, np.uint8), np.array(cloth.colour, np.uint8))


def _paint_hair(view: np.ndarray, look: Look) -> None:
    """Strands: the colour varies round the head, and there is a band of shine."""
    s, t = _axes(view)
    noise = np.random.default_rng(sum(look.hair)).normal(size=(1, view.shape[1]))
    noise = cv2.GaussianBlur(noise, (0, 0), 1.2, borderType=cv2.BORDER_REFLECT) + 0.8 * cv2.GaussianBlur(
        noise, (0, 0), 4, borderType=cv2.BORDER_REFLECT
    )
    strands = 1 + 0.16 * noise
    shine = 1 + 0.25 * np.exp(-(((t - 0.84 - 0.02 * noise) / 0.05) ** 2))
    view[:] = np.clip(np.array(look.hair) * (strands * shine)[..., None], 0, 255).astype(np.uint8)


def _paint_torso(view: np.ndarray, look: Look) -> None:
    s, t = _axes(view)
    v = torso.LOW + t * (torso.HIGH - torso.LOW)  # H 1
    top = fabric(view, look.top_cloth, 0.95, 0.7)
    aside = np.abs(s - 0.25)
    if look.top == "jacket":
        _jacket(top, look, aside, v)
    elif look.top_cloth.pattern == "logo":
        _logo(top, look.top_cloth)
    elif look.top_cloth.pattern == "band":
        top[(np.abs(v - 0.62) < 0.09)[:, 0]] = look.top_cloth.second
    depth = {"tee": 0.07, "long": 0.04, "jacket": 0.05, "vest": 0.16}[look.top]
    neckline = torso.NECK_LINE - depth * np.exp(-((aside / (0.05 if look.top != "vest" else 0.075)) ** 2))
    view[:] = np.where((v < neckline)[..., None], top, np.array(look.skin, np.uint8))
    trim = np.array(_darker(look.under_cloth.colour if look.top == "jacket" else look.top_cloth.colour, 0.86), np.uint8)
    view[(v < neckline) & (v > neckline - 0.022)] = trim
    below = v < (SKIRT_TOP if look.skirt else look.top_hem)
    view[:] = np.where(below[..., None], fabric(view, look.lower_cloth, 0.95, 0.7), view)
    if look.top != "jacket" and not look.skirt:
        view[((v > look.top_hem) & (v < look.top_hem + 0.02))[:, 0]] = _darker(look.top_cloth.colour, 0.85)


def _jacket(top: np.ndarray, look: Look, aside: np.ndarray, v: np.ndarray) -> None:
    """Open in front over a shirt, with lapels, and buttons of the second colour."""
    opening = 0.018 + 0.05 * np.clip((v - 0.35) / 0.6, 0, 1)
    top[aside < opening] = look.under_cloth.colour
    lapel = (aside >= opening) & (aside < opening + 0.018 + 0.02 * np.clip((v - 0.5) / 0.4, 0, 1))
    top[lapel] = _darker(look.top_cloth.colour, 0.72)
    pocket = (np.abs(aside - 0.1) < 0.035) & (np.abs(v - 0.1) < 0.012)
    top[pocket] = _darker(look.top_cloth.colour, 0.65)


def _logo(top: np.ndarray, cloth: Cloth) -> None:
    """A star or a disc with a bar on the chest, by the size of the pattern."""
    height, width = top.shape[:2]
    centre = np.array([0.25 * width, (0.62 - torso.LOW) / (torso.HIGH - torso.LOW) * height])
    size = 0.1 * height * cloth.scale
    if cloth.scale > 1:
        angle = np.arange(10) * np.pi / 5 + np.pi / 2
        star = centre + size * np.where(np.arange(10) % 2 == 0, 1.0, 0.42)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        polygon(top, star, cloth.second)
    else:
        cv2.circle(top, (int(centre[0]), int(centre[1])), int(1.1 * size), cloth.second, -1, cv2.LINE_AA)
        cv2.circle(top, (int(centre[0]), int(centre[1])), int(0.6 * size), cloth.colour, -1, cv2.LINE_AA)


def polygon(view: np.ndarray, points: np.ndarray, colour: Colour) -> None:
    """A filled polygon with smooth edges; points N 2 in pixels of the view."""
    cv2.fillPoly(view, [np.round(points * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)


def _paint_arm(view: np.ndarray, look: Look) -> None:
    t = _axes(view)[1]
    along = limbs.ARM_LOW + t * (limbs.ARM_HIGH - limbs.ARM_LOW)
    end = look.sleeve_end
    sleeve = fabric(view, look.top_cloth, 0.32, 0.6)
    view[:] = np.where((along < end)[..., None], sleeve, np.array(look.skin, np.uint8))
    if end > 0:
        view[((along > end - (0.12 if end > 1.5 else 0.05)) & (along < end))[:, 0]] = _darker(look.top_cloth.colour, 0.82)


def _paint_leg(view: np.ndarray, look: Look) -> None:
    s, t = _axes(view)
    along = limbs.LEG_LOW + t * (limbs.LEG_HIGH - limbs.LEG_LOW)
    end = look.leg_end
    cloth = fabric(view, look.bottom_cloth, 0.5, 0.9)
    view[:] = np.where((along < end)[..., None], cloth, np.array(look.skin, np.uint8))
    if end > 0:
        view[((along > end - 0.035) & (along < end))[:, 0]] = _darker(look.bottom_cloth.colour, 0.8)
        view[(np.abs(s - 0.5) < 0.012) & (along < end)] = _darker(look.bottom_cloth.colour, 0.85)
    if look.skirt:  # so that no skin shows where the hips press through
        view[(along < 0.3)[:, 0]] = look.lower_cloth.colour
    if look.socks is not None and end < 1.7:
        view[(along > 1.72)[:, 0]] = look.socks


def _paint_shoe(view: np.ndarray, look: Look) -> None:
    """From heel (t = 0) to toe; s = 1/4 is the top, s = 3/4 the sole."""
    s, t = _axes(view)
    view[:] = look.shoes
    view[np.broadcast_to((s > 0.52) & (s < 0.98), view.shape[:2])] = look.soles
    laces = (np.abs(s - 0.25) < 0.07) & (t > 0.42) & (t < 0.72) & (np.mod(t * 40, 2) < 1)
    view[laces] = look.soles
    view[((t > 0.86) & (s < 0.5))] = _darker(look.shoes, 0.82)
    opening = (np.abs(s - 0.25) < 0.2) & (t > 0.2) & (t < 0.34)
    view[opening] = _darker(look.shoes, 0.55)


def _paint_hand(view: np.ndarray, look: Look) -> None:
    """A little redder than the skin towards the finger tips."""
    t = _axes(view)[1]
    tint = np.array(look.skin) * (1 - 0.08 * t[..., None] * np.array([0.0, 1.0, 1.0]))
    view[:] = np.broadcast_to(tint, view.shape).astype(np.uint8)


def _paint_skirt(view: np.ndarray, look: Look) -> None:
    """t = 0 is the hem. Folds darken it in columns, the more the lower."""
    s, t = _axes(view)
    cloth = look.lower_cloth
    plain = fabric(view, cloth, 1.5, 0.6).astype(float)
    folds = 1 - 0.13 * (0.5 + 0.5 * np.sin(2 * np.pi * 14 * s)) * (1 - t)
    view[:] = np.clip(plain * folds[..., None], 0, 255).astype(np.uint8)
    view[(t < 0.045)[:, 0]] = cloth.second if cloth.pattern != "plain" else _darker(cloth.colour, 0.8)
    view[(t > 0.94)[:, 0]] = _darker(cloth.colour, 0.7)
