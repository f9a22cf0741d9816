"""The motions of procedural people: functions from times and a style to a Posture, for every build alike, within the joints' limits.

All of them repeat after whole periods, see PERIODS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from animato.people.skeleton import Posture


@dataclass(frozen=True)
class Style:
    """How somebody moves: amount and tempo (1 ordinary), phase (0..1 of a period), numbers 0..1 that each motion uses in its own way."""

    amount: float = 1.0
    tempo: float = 1.0
    phase: float = 0.0
    variant: tuple[float, ...] = (0.5,) * 8


def random_style(rng: np.random.Generator) -> Style:
    return Style(rng.uniform(0.8, 1.2), rng.uniform(0.8, 1.2), rng.uniform(), tuple(rng.uniform(size=8)))


Motion = Callable[[np.ndarray, Style], Posture]
TAU = 2 * np.pi

# Seconds at tempo 1 after which a motion repeats.
PERIODS = {
    "walk": 1.15, "wave": 5.0, "dance": 2.0, "jump": 1.6, "turn": 4.0, "idle": 5.0, "squat": 2.6, "sidestep": 2.4,
    "kick": 3.0, "crossed": 5.0,
}  # fmt: skip


def _cycle(times: np.ndarray, style: Style, name: str, beats: float = 1.0) -> np.ndarray:
    """Phase in turns (1 = one of the `beats` of a period) of each time."""
    return beats * (np.asarray(times, float) * style.tempo / PERIODS[name] + style.phase)


def _sine(turns: np.ndarray, shift: float = 0.0) -> np.ndarray:
    return np.sin(TAU * (turns + shift))


def _pulse(turns: np.ndarray, start: float, end: float) -> np.ndarray:
    """0..1..0 once a turn, smooth, between two phases."""
    inside = np.clip((np.mod(turns, 1.0) - start) / (end - start), 0, 1)
    return np.sin(np.pi * inside) ** 2


def _rise(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _standing(turns: np.ndarray, apart: float = 0.03) -> Posture:
    """Upright with loose arms, feet a little apart and turned out, breathing once a turn."""
    posture = Posture(len(turns))
    breath = _sine(turns)
    posture.feet[:, :, 0] = apart * np.array([1, -1])
    posture.feet[:, :, 3] = 8.0
    posture.set("chest", -0.8 * breath, 0.0, 0.0)
    posture.set("collar", 1.5 + 1.2 * breath)
    posture.set("shoulder", 11.0 + 0.8 * breath, 75.0, 8.0)
    posture.set("elbow", 14.0)
    posture.pelvis[:, 1] = -0.004
    return posture


def idle(times: np.ndarray, style: Style) -> Posture:
    """Shifts the weight from leg to leg and looks about."""
    turns = _cycle(times, style, "idle")
    posture = _standing(turns, 0.05)
    sway = _sine(turns)
    posture.pelvis[:, 0] = 0.03 * style.amount * sway
    posture.tilt[:, 1] = -3.0 * style.amount * sway
    posture.set("waist", 0.0, 3.0 * style.amount * sway, 2 * sway)
    posture.set("neck", 2 * _sine(turns, 0.3), -2 * sway, 12 * style.amount * _sine(turns, 0.15))
    posture.set("head", 3 * _sine(2 * turns), 0.0, 8 * style.amount * _sine(turns, 0.1))
    for s, shift in (("l", 0.0), ("r", 0.4)):
        posture.set(f"shoulder_{s}", 10 + 4 * _sine(turns, shift), 60.0, 10.0)
        posture.set(f"elbow_{s}", 18 + 6 * _sine(turns, shift + 0.2))
    return posture


def walk(times: np.ndarray, style: Style) -> Posture:
    """On the spot, as on a treadmill: a foot on the floor glides backwards evenly and steps forward through the air."""
    turns, stride = _cycle(times, style, "walk"), 0.27 * style.amount
    posture = _standing(turns, 0.0)
    for k, shift in ((0, 0.0), (1, 0.5)):
        phase = np.mod(turns + shift, 1.0)
        stance, swing = np.clip(phase / 0.6, 0, 1), np.clip((phase - 0.6) / 0.4, 0, 1)
        posture.feet[:, k, 2] = np.where(phase < 0.6, stride * (1 - 2 * stance), stride * (2 * _rise(swing) - 1))
        posture.feet[:, k, 1] = 0.09 * np.sin(np.pi * swing) ** 2
        heel = 32 * _rise((stance - 0.55) / 0.45) * (phase < 0.6) + (32 - 50 * _rise(swing * 1.15)) * (phase >= 0.6)
        posture.feet[:, k, 4] = np.where(phase < 0.12, -18 * (1 - phase / 0.12), heel)
    beat = _sine(turns, 0.20)
    posture.pelvis[:, 1] = -0.02 - 0.012 * np.cos(2 * TAU * (turns - 0.05))
    posture.pelvis[:, 0] = 0.018 * _sine(turns, -0.05)
    posture.tilt[:, 2] = -7 * beat * style.amount
    posture.tilt[:, 0] = 3.0
    posture.set("waist", 1.0, 0.0, 7 * beat * style.amount)
    posture.set("chest", 0.0, 0.0, 6 * beat * style.amount)
    posture.set("neck", 0.0, 0.0, -5 * beat * style.amount)
    for s, sign in (("l", -1.0), ("r", 1.0)):
        swing = 26 * style.amount * sign * beat
        posture.set(f"shoulder_{s}", swing + 4, 18.0, 5.0)
        posture.set(f"elbow_{s}", 26 + 14 * sign * beat)
    return posture


def wave(times: np.ndarray, style: Style) -> Posture:
    """One arm up, the hand swinging from the elbow; the other hangs or rests on the hip."""
    turns = _cycle(times, style, "wave", 5)
    posture = idle(times, style)
    s = "l" if style.variant[0] > 0.5 else "r"
    posture.set(f"shoulder_{s}", 88 + 4 * _sine(turns), 80.0, -82 + 4 * _sine(turns, 0.1))
    posture.set(f"elbow_{s}", 82 + 24 * style.amount * _sine(turns))
    posture.set(f"collar_{s}", 8.0)
    posture.set(f"wrist_{s}", 8 * _sine(turns, -0.1), 10 * _sine(turns, -0.15), 0.0)
    k = 0 if s == "l" else 1
    posture.curl[:, k], posture.spread[:, k] = 0.03, 9.0
    lean = 4.0 if s == "l" else -4.0
    posture.angles["head"] = posture.angles["head"] + np.array([0.0, lean, 0.0])
    return posture


def dance(times: np.ndarray, style: Style) -> Posture:
    """Low-frequency sinusoids in every joint of the upper body, weight from foot to foot on the beat."""
    turns = _cycle(times, style, "dance")
    posture, v = _standing(turns, 0.09), style.variant
    bounce = np.cos(2 * TAU * turns)
    sway = _sine(turns)
    posture.pelvis[:, 1] = -0.05 - 0.035 * style.amount * bounce
    posture.pelvis[:, 0] = 0.07 * style.amount * sway
    posture.tilt[:, 1], posture.tilt[:, 2] = -6 * style.amount * sway, 14 * style.amount * _sine(turns, 0.25 * v[0])
    for k, shift in ((0, 0.5), (1, 0.0)):
        up = _pulse(turns + shift, 0.05, 0.45)
        posture.feet[:, k, 1] = 0.05 * up * (v[1] > 0.3)
        posture.feet[:, k, 4] = 26 * up * style.amount
    posture.set("waist", 4.0, 7 * style.amount * sway, -10 * style.amount * _sine(turns, 0.25 * v[0]))
    posture.set("chest", 3 * bounce, 5 * sway, 10 * style.amount * _sine(turns, v[2]))
    posture.set("neck", 5 * bounce, -5 * sway, 8 * _sine(turns, v[3]))
    posture.set("head", 4 * bounce, -6 * sway, 0.0)
    for s, shift in (("l", v[4]), ("r", v[4] + (0.5 if v[5] > 0.5 else 0.0))):
        arms = _sine(turns, shift)
        posture.set(f"shoulder_{s}", 62 + 48 * style.amount * arms, 55 + 25 * _sine(turns, shift + v[6]), -20 + 30 * _sine(turns, v[7]))
        posture.set(f"elbow_{s}", 72 + 42 * style.amount * _sine(turns, shift + 0.25))
        posture.set(f"wrist_{s}", 12 * _sine(2 * turns, shift))
        posture.set(f"collar_{s}", 6 + 5 * arms)
    posture.curl[:] = 0.35 + 0.2 * _sine(turns, v[0])[:, None]
    return posture


def jump(times: np.ndarray, style: Style) -> Posture:
    """Crouches, leaps with the arms up, lands softly; once in 1.6 s."""
    turns = np.mod(_cycle(times, style, "jump"), 1.0)
    posture = _standing(turns, 0.05)
    crouch = _pulse(turns, 0.0, 0.42) + 0.8 * _pulse(turns, 0.62, 0.98)
    air = np.clip((turns - 0.36) / 0.30, 0, 1)
    height = 4 * air * (1 - air)
    posture.lift = 0.26 * style.amount * height
    posture.pelvis[:, 1] -= 0.27 * style.amount * crouch
    posture.pelvis[:, 2] = -0.06 * crouch
    posture.tilt[:, 0] = 26 * crouch
    posture.feet[:, :, 4] = (35 * np.clip(height * 2, 0, 1))[:, None]
    posture.feet[:, :, 1] = 0.05 * height[:, None]
    posture.set("waist", 12 * crouch)
    posture.set("neck", -16 * crouch)
    swing = 120 * _pulse(turns, 0.25, 0.85) * style.amount - 38 * _pulse(turns, 0.0, 0.36)
    posture.set("shoulder", 10 + swing, 25 + 30 * height, 0.0)
    posture.set("elbow", 20 + 20 * crouch)
    return posture


def turn(times: np.ndarray, style: Style) -> Posture:
    """Turns once about the own axis in sixteen small steps; a foot stays where it stands until it is its time to step."""
    way = 1 if style.variant[0] > 0.5 else -1
    turns = _cycle(times, style, "turn") * way
    steps, facing = 8 * turns, 360 * turns
    posture = _standing(turns, 0.02)
    for k, (side, shift) in enumerate(((1, 0.0), (-1, 0.5))):
        whole = np.floor(steps + shift)
        part = np.mod(steps + shift, 1.0)
        behind = 45 * (whole + _rise((part - 0.5) / 0.5) - shift) + 11 - facing  # degrees that the foot is turned against the body
        posture.feet[:, k, 0] = side * 0.12 * (np.cos(np.deg2rad(behind)) - 1)
        posture.feet[:, k, 2] = -side * 0.12 * np.sin(np.deg2rad(behind))
        posture.feet[:, k, 3] = side * behind + 8
        posture.feet[:, k, 1] = 0.05 * np.where(part > 0.5, np.sin(TAU * (part - 0.5)) ** 2, 0.0)
    posture.turn = facing
    posture.set("neck", 0.0, 0.0, 10.0 * way)
    posture.set("shoulder", 16 + 5 * _sine(steps), 70.0, 5.0)
    posture.set("elbow", 25 + 6 * _sine(steps, 0.2))
    posture.pelvis[:, 1] = -0.015 - 0.008 * np.cos(TAU * 2 * steps)
    return posture


def squat(times: np.ndarray, style: Style) -> Posture:
    """Knee bends with the arms held out in front."""
    turns = _cycle(times, style, "squat")
    down = 0.5 - 0.5 * np.cos(TAU * turns)
    posture = _standing(turns, 0.10)
    posture.feet[:, :, 3] = 18.0
    posture.pelvis[:, 1] -= 0.36 * min(style.amount, 1.1) * down
    posture.pelvis[:, 2] = -0.14 * down
    posture.tilt[:, 0] = 30 * down
    posture.set("waist", 10 * down)
    posture.set("neck", -22 * down)
    posture.set("shoulder", 12 + 88 * down, 60 - 50 * down, 0.0)
    posture.set("elbow", 14 + 4 * down)
    return posture


def sidestep(times: np.ndarray, style: Style) -> Posture:
    """Step, together, and back: one foot out to the side, the other follows."""
    turns, reach = np.mod(_cycle(times, style, "sidestep"), 1.0), 0.26 * style.amount
    posture = _standing(turns, 0.04)
    moves = ((0, (0.0, 0.25), (0.75, 1.0)), (1, (0.25, 0.5), (0.5, 0.75)))
    for k, out, back in moves:
        posture.feet[:, k, 0] += reach * (_rise((turns - out[0]) / 0.25) - _rise((turns - back[0]) / 0.25)) - reach / 2
        posture.feet[:, k, 1] = 0.06 * (_pulse(turns, *out) + _pulse(turns, *back))
    posture.pelvis[:, 0] = posture.feet[:, :, 0].mean(axis=1)
    posture.pelvis[:, 1] = -0.03 - 0.02 * np.cos(TAU * 4 * turns)
    clap = _sine(turns * 2, 0.25)
    posture.set("waist", 2.0, 5 * _sine(turns), 0.0)
    posture.set("shoulder", 42 + 14 * clap, 48 + 26 * clap * style.amount, 12.0)
    posture.set("elbow", 78 - 14 * clap)
    posture.set("head", 0.0, 4 * _sine(turns), 0.0)
    return posture


def kick(times: np.ndarray, style: Style) -> Posture:
    """A high step or kick to the front, one leg after the other, arms against it."""
    turns = np.mod(_cycle(times, style, "kick"), 1.0)
    posture = _standing(turns, 0.02)
    kicks = (_pulse(turns, 0.05, 0.45), _pulse(turns, 0.55, 0.95))
    for k, up in enumerate(kicks):
        posture.feet[:, k, 1] = 0.42 * style.amount * up
        posture.feet[:, k, 2] = 0.62 * style.amount * up
        posture.feet[:, k, 4] = -10 * up
        posture.feet[:, k, 3] = 8 * (1 - up)
    posture.pelvis[:, 0] = -0.07 * (kicks[0] - kicks[1])
    posture.pelvis[:, 2] = -0.05 * (kicks[0] + kicks[1])
    posture.tilt[:, 0] = -8 * (kicks[0] + kicks[1])
    posture.tilt[:, 1] = 5 * (kicks[0] - kicks[1])
    for s, mine, other in (("l", kicks[0], kicks[1]), ("r", kicks[1], kicks[0])):
        posture.set(f"shoulder_{s}", 16 + 34 * other + 26 * mine, 60 - 32 * other + 25 * mine, 10.0)
        posture.set(f"elbow_{s}", 30 + 14 * other)
    posture.curl[:] = 0.6
    return posture


def crossed(times: np.ndarray, style: Style) -> Posture:
    """Folds the arms before the chest, stands, and lets them go again."""
    turns = np.mod(_cycle(times, style, "crossed"), 1.0)
    fold = _rise(turns / 0.22) - _rise((turns - 0.75) / 0.22)
    posture = idle(times, style)
    for s, high in (("l", 1.0), ("r", 0.0)):
        posture.set(f"shoulder_{s}", 10 + (26 + 5 * high) * fold, 60 - 38 * fold, 10 + 58 * fold)
        posture.set(f"elbow_{s}", 18 + (88 + 6 * high) * fold)
        posture.set(f"wrist_{s}", 8 * fold, 0.0, 20 * fold * (1 - high))
    posture.curl[:] = 0.25 + 0.1 * fold[:, None]
    return posture


MOTIONS: dict[str, Motion] = {
    "walk": walk, "wave": wave, "dance": dance, "jump": jump, "turn": turn, "idle": idle, "squat": squat, "sidestep": sidestep,
    "kick": kick, "crossed": crossed,
}  # fmt: skip


def a_pose(raise_arms: float = 32.0) -> Posture:
    """One frame: standing with arms and legs apart, the pose in which a character is shown."""
    posture = Posture(1)
    posture.set("shoulder", raise_arms, 88.0, -10.0)
    posture.set("elbow", 8.0)
    posture.set("wrist", 0.0, 0.0, 55.0)
    posture.set("collar", 3.0)
    posture.feet[:, :, 0] = 0.05 * np.array([1, -1])
    posture.feet[:, :, 3] = 14.0
    posture.curl[:], posture.spread[:] = 0.12, 7.0
    return posture
