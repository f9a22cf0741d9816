"""How a procedural person looks: build, face, hair and clothes, drawn at random from one generator."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from animato.people.skeleton import Build

Colour = tuple[int, int, int]  # red, green, blue

HAIR_STYLES = ("buzz", "short", "side", "bob", "long", "ponytail", "bun", "curly", "bald")
SKIRT_TOP = 0.22  # a skirt begins at the waist, in spine lengths over the pelvis
PATTERNS = ("plain", "stripes", "columns", "checks", "dots", "logo", "band")
TOPS = ("tee", "long", "jacket", "vest")
BOTTOMS = ("trousers", "shorts", "skirt", "dress")

SKINS: tuple[Colour, ...] = ((250, 217, 190), (238, 195, 160), (222, 172, 132), (194, 138, 98), (150, 102, 70), (112, 74, 52))
HAIRS: tuple[Colour, ...] = (
    (38, 28, 24),
    (70, 44, 28),
    (112, 70, 38),
    (166, 116, 60),
    (214, 174, 104),
    (150, 60, 34),
    (120, 116, 116),
    (60, 52, 92),
)
EYES: tuple[Colour, ...] = ((70, 42, 24), (52, 92, 130), (70, 110, 70), (40, 30, 26))
CLOTHS: tuple[Colour, ...] = (
    (214, 62, 56), (236, 132, 48), (240, 196, 70), (104, 168, 84), (44, 130, 128), (60, 120, 190), (48, 66, 128), (128, 84, 160),
    (222, 120, 150), (240, 238, 230), (150, 152, 156), (66, 68, 76), (116, 82, 58), (196, 172, 136), (150, 200, 220), (124, 40, 56),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = (
    (50, 70, 116),
    (82, 106, 152),
    (44, 46, 54),
    (108, 92, 70),
    (178, 160, 128),
    (92, 98, 84),
    (122, 124, 130),
    (90, 46, 50),
)


def mixed(a: Colour, b: Colour, weight: float) -> Colour:
    """a with so much of b in it, 0..1."""
    red, green, blue = (round(x * (1 - weight) + y * weight) for x, y in zip(a, b, strict=True))
    return red, green, blue


@dataclass(frozen=True)
class Face:
    """Places in parts of the head's height (y up from the chin) and sizes relative to an ordinary face."""

    eye_height: float = 0.46
    eye_apart: float = 0.145
    eye_size: float = 1.0
    brow_lift: float = 0.105
    brow_tilt: float = 0.0
    brow_weight: float = 1.0
    nose_size: float = 1.0
    mouth_height: float = 0.19
    mouth_width: float = 0.115
    smile: float = 0.5
    lips: float = 1.0
    jaw: float = 1.0
    beard: float = 0.0
    glasses: bool = False
    blush: float = 0.3


@dataclass(frozen=True)
class Cloth:
    """A piece of clothing: its pattern and two colours; `scale` is the size of the pattern's repeat."""

    pattern: str = "plain"
    colour: Colour = (60, 120, 190)
    second: Colour = (240, 238, 230)
    scale: float = 1.0


@dataclass(frozen=True)
class Look:
    """Everything that can be seen of a person but their pose."""

    build: Build = field(default_factory=Build)
    face: Face = field(default_factory=Face)
    skin: Colour = SKINS[1]
    hair: Colour = HAIRS[1]
    eyes: Colour = EYES[0]
    hair_style: str = "short"
    top: str = "tee"
    bottom: str = "trousers"
    top_cloth: Cloth = Cloth()
    under_cloth: Cloth = Cloth(colour=(240, 238, 230))
    bottom_cloth: Cloth = Cloth(colour=TROUSERS[0])
    shoes: Colour = (240, 238, 230)
    soles: Colour = (245, 245, 245)
    socks: Colour | None = None
    sleeve: float = 0.5  # end of a short sleeve along the upper arm
    hem: float = 0.8  # end of shorts or a skirt: 0 hip, 1 knee
    flare: float = 0.5  # of skirts and trouser legs

    @property
    def skirt(self) -> bool:
        return self.bottom in ("skirt", "dress")

    @property
    def top_hem(self) -> float:
        """Where a top that is worn over trousers ends, in spine lengths over the pelvis."""
        return {"tee": -0.06, "long": -0.05, "jacket": -0.1, "vest": -0.04}[self.top]

    @property
    def sleeve_end(self) -> float:
        """Where the sleeve ends along the arm: 1 the elbow, 2 the wrist."""
        return {"tee": self.sleeve, "long": 1.95, "jacket": 1.96, "vest": 0.1}[self.top]

    @property
    def leg_end(self) -> float:
        """Where trousers or shorts end along the leg: 1 the knee, 2 the ankle; 0 for bare legs."""
        return {"trousers": 1.93, "shorts": self.hem}.get(self.bottom, 0.0)

    @property
    def thickness(self) -> float:
        """Of the top, metres."""
        return {"tee": 0.010, "long": 0.011, "jacket": 0.020, "vest": 0.008}[self.top]

    @property
    def lower_cloth(self) -> Cloth:
        """Of skirt or trousers; a dress is of one piece with its top."""
        return self.top_cloth if self.bottom == "dress" else self.bottom_cloth


def random_look(rng: np.random.Generator) -> Look:
    """A person drawn at random: woman or man in build, then hair and clothes that go with any of both."""
    feminine = bool(rng.random() < 0.5)
    skin = int(rng.integers(len(SKINS)))
    hair = HAIRS[int(rng.integers(3 if skin > 3 else len(HAIRS)))]
    bottom = str(rng.choice(BOTTOMS, p=[0.4, 0.2, 0.2, 0.2] if feminine else [0.65, 0.35, 0.0, 0.0]))
    top = "tee" if bottom == "dress" and rng.random() < 0.5 else str(rng.choice(TOPS, p=[0.4, 0.25, 0.25, 0.1]))
    styles = ("bob", "long", "ponytail", "bun", "curly", "side") if feminine else ("buzz", "short", "side", "curly", "short", "bald")
    return Look(
        build=random_build(rng, feminine),
        face=random_face(rng, feminine),
        skin=_vary(rng, SKINS[skin], 6),
        hair=_vary(rng, hair, 8),
        eyes=EYES[0] if skin > 2 else EYES[int(rng.integers(len(EYES)))],
        hair_style=str(rng.choice(styles)),
        top="vest" if bottom == "dress" and top == "jacket" else top,
        bottom=bottom,
        top_cloth=random_cloth(rng, CLOTHS),
        under_cloth=replace(random_cloth(rng, CLOTHS), pattern="plain"),
        bottom_cloth=random_cloth(rng, CLOTHS if bottom == "skirt" else TROUSERS, plain=0.3 if bottom == "skirt" else 0.85),
        shoes=_vary(rng, CLOTHS[int(rng.integers(len(CLOTHS)))], 10),
        soles=(245, 245, 240) if rng.random() < 0.6 else (60, 52, 48),
        socks=_vary(rng, CLOTHS[int(rng.integers(len(CLOTHS)))], 10) if rng.random() < 0.4 else None,
        sleeve=float(rng.uniform(0.4, 0.75)),
        hem=float(rng.uniform(0.6, 1.0) if bottom == "shorts" else rng.uniform(0.65, 1.3)),
        flare=float(rng.uniform(0.1, 1.0)),
    )


def random_build(rng: np.random.Generator, feminine: bool) -> Build:
    """Adults and a few children: everything scaled together, then each length a little on its own."""
    child = rng.random() < 0.15
    scale = rng.uniform(0.62, 0.78) if child else rng.normal(0.96 if feminine else 1.02, 0.04)
    girth = scale * rng.uniform(0.88, 1.18)
    base = Build()
    lengths = {
        name: getattr(base, name) * scale * rng.uniform(0.95, 1.05) for name in ("spine", "neck", "upper_arm", "forearm", "hand", "foot")
    }
    legs = scale * rng.uniform(0.94, 1.06)
    return Build(
        thigh=base.thigh * legs,
        shin=base.shin * legs,
        ankle=base.ankle * scale,
        head=base.head * rng.uniform(1.0, 1.15) * (0.92 if child else 0.5 + 0.5 * scale),
        shoulders=base.shoulders * scale * rng.uniform(0.9, 1.0) * (0.93 if feminine else 1.06),
        hips=base.hips * (0.4 * scale + 0.6 * girth) * (1.06 if feminine else 1.0),
        girth=girth,
        belly=float(np.clip(rng.normal(0.1, 0.35), 0, 1)),
        bust=float(rng.uniform(0.4, 1.0)) if feminine and not child else 0.0,
        waist=float(rng.uniform(0.72, 0.84) if feminine and not child else rng.uniform(0.84, 0.95)),
        **lengths,
    )


def random_face(rng: np.random.Generator, feminine: bool) -> Face:
    return Face(
        eye_height=rng.uniform(0.44, 0.49),
        eye_apart=rng.uniform(0.135, 0.155),
        eye_size=rng.uniform(1.0, 1.3),
        brow_lift=rng.uniform(0.095, 0.12),
        brow_tilt=rng.uniform(-0.1, 0.6),
        brow_weight=rng.uniform(0.6, 0.9) if feminine else rng.uniform(0.9, 1.5),
        nose_size=rng.uniform(0.8, 1.05) if feminine else rng.uniform(0.9, 1.3),
        mouth_height=rng.uniform(0.17, 0.2),
        mouth_width=rng.uniform(0.095, 0.135),
        smile=rng.uniform(0.3, 1.0),
        lips=rng.uniform(1.0, 1.6) if feminine else rng.uniform(0.7, 1.0),
        jaw=rng.uniform(0.9, 1.0) if feminine else rng.uniform(0.98, 1.1),
        beard=0.0 if feminine or rng.random() < 0.7 else float(rng.uniform(0.5, 1.0)),
        glasses=bool(rng.random() < 0.12),
        blush=rng.uniform(0.0, 0.6),
    )


def random_cloth(rng: np.random.Generator, colours: tuple[Colour, ...], plain: float = 0.3) -> Cloth:
    first, second = rng.choice(len(colours), 2, replace=False)
    pattern = "plain" if rng.random() < plain else str(rng.choice(PATTERNS[1:]))
    return Cloth(pattern, _vary(rng, colours[first], 10), _vary(rng, colours[second], 10), float(rng.uniform(0.7, 1.5)))


def _vary(rng: np.random.Generator, colour: Colour, amount: int) -> Colour:
    red, green, blue = (int(x) for x in np.clip(np.array(colour) + rng.integers(-amount, amount + 1, 3), 0, 255))
    return red, green, blue
