"""The edge's own colours: those of a person whose mixture with a background is known, and those of the equations solved exactly."""

from __future__ import annotations

import numpy as np

from animato.puppet.foreground import BY_CHANGE, SMOOTH, foreground

PERSON, WALL = np.array([60, 30, 20]), np.array([240, 240, 230])


def disc(height: int, width: int, soft: float) -> np.ndarray:
    """H W float32: a disc that gives way to nothing over `soft` pixels."""
    y, x = np.mgrid[:height, :width]
    away = np.hypot(x - width / 2, y - height / 2) - 0.3 * min(height, width)
    return np.clip(0.5 - away / soft, 0, 1).astype(np.float32)


def mixed(alpha: np.ndarray, own: np.ndarray, behind: np.ndarray) -> np.ndarray:
    share = alpha[..., None]
    return np.round(share * own + (1 - share) * behind).astype(np.uint8)


def test_no_halo_of_the_background_is_left() -> None:
    alpha = disc(150, 100, 6)
    picture = mixed(alpha, PERSON, WALL)
    rim = (alpha > 0.1) & (alpha < 0.99)
    assert np.abs(picture[rim].astype(int) - PERSON).mean() > 60
    assert np.abs(foreground(picture, alpha)[rim].astype(int) - PERSON).max() < 4


def test_what_is_opaque_keeps_its_colours() -> None:
    alpha = disc(90, 70, 4)
    texture = np.random.default_rng(0).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    inside = alpha == 1
    assert np.abs(foreground(mixed(alpha, texture, WALL), alpha)[inside].astype(int) - texture[inside]).max() <= 1


def exact(picture: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """H W 3: the foreground that minimises the whole cost at once, by least squares over every pixel's two colours."""
    height, width = alpha.shape
    number = np.arange(height * width).reshape(height, width)
    rows = [np.zeros(2 * number.size) for _ in range(number.size)]
    wanted = [colour.astype(float) for colour in picture.reshape(-1, 3)]
    for place, opacity in enumerate(alpha.ravel()):
        rows[place][place], rows[place][number.size + place] = opacity, 1 - opacity
    for one, other in ((number[1:], number[:-1]), (number[:, 1:], number[:, :-1])):
        for a, b in zip(one.ravel(), other.ravel(), strict=True):
            pull = np.sqrt(SMOOTH + BY_CHANGE * abs(float(alpha.flat[a]) - float(alpha.flat[b])))
            for offset in (0, number.size):
                row = np.zeros(2 * number.size)
                row[offset + a], row[offset + b] = pull, -pull
                rows.append(row)
                wanted.append(np.zeros(3))
    solved = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]
    return np.clip(solved[: number.size], 0, 255).reshape(height, width, 3)


def test_it_solves_the_equations() -> None:
    alpha = disc(14, 11, 5)
    own = PERSON + np.linspace(0, 60, 11)[None, :, None]
    picture = mixed(alpha, own, WALL)
    seen = alpha > 0.2
    assert np.abs(foreground(picture, alpha).astype(float) - exact(picture, alpha))[seen].mean() < 3
