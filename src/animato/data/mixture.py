"""Where samples come from: procedural people, and several sources mixed by weights."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from animato.core.errors import InputError
from animato.core.shapes import Size
from animato.data.sample import Sample, Source, scattered, stretch
from animato.people.motions import MOTIONS
from animato.people.people import clip
from animato.pose.keypoints import FACE, LEFT_HAND, OTHER_SIDE, RIGHT_HAND, PoseSequence

_HANDS = slice(LEFT_HAND.start, RIGHT_HAND.stop)


@dataclass(frozen=True)
class Mixture:
    """Each sample comes from one of the sources, drawn by their weights."""

    sources: tuple[Source, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.sources or len(self.sources) != len(self.weights) or min(self.weights) < 0 or sum(self.weights) <= 0:
            raise InputError("A mixture needs sources and one weight for each, none of them negative and not all zero.")

    def draw(self, rng: np.random.Generator) -> Sample:
        chances = np.array(self.weights) / sum(self.weights)
        return self.sources[int(rng.choice(len(chances), p=chances))].draw(rng)


@dataclass(frozen=True)
class Augment:
    """How samples of procedural people are varied: fractions of samples, and the largest keypoint error as a fraction of the picture.

    mirror   seen in a mirror, left and right of the person exchanged
    recolour colour channels exchanged
    jitter   keypoints moved, as an estimator moves them; half of the samples
    hide     face points unseen, and again hand points unseen
    scenery  another background, noise with the spectrum of photographs
    aside    samples with another background: the reference's person stands elsewhere, by up to this fraction of the picture's width
    zoom     half of the samples: seen from nearer or farther by up to this fraction, and a third of it aside
    """

    mirror: float = 0.5
    recolour: float = 0.3
    jitter: float = 0.008
    hide: float = 0.3
    scenery: float = 0.3
    aside: float = 0.3
    zoom: float = 0.3

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if rng.random() < self.mirror:
            sample = mirrored(sample)
        if rng.random() < self.scenery:
            step = rng.uniform(-self.aside, self.aside, 2) * (1, 0.3)
            sample = before(aside(sample, step), scenery(sample.poses.size, rng))
        if self.zoom and rng.random() < 0.5:
            sample = zoomed(sample, rng.uniform(1 - self.zoom, 1 + self.zoom), rng.uniform(-self.zoom, self.zoom, 2) / 3)
        if rng.random() < self.recolour:
            order = rng.permutation(3)
            sample = replace(sample, **{name: getattr(sample, name)[..., order] for name in ("whole", "reference", "frames")})
        if rng.random() < 0.5:
            reach = rng.uniform(0, self.jitter) * sample.poses.size[0]
            sample = replace(sample, given=_moved(sample.given, reach, rng), poses=_moved(sample.poses, reach, rng))
        for points in (FACE, _HANDS):
            if rng.random() < self.hide:
                sample = replace(sample, given=_without(sample.given, points), poses=_without(sample.poses, points))
        return sample


@dataclass(frozen=True)
class People:
    """Procedural people (people/people.py), rendered when they are first drawn and kept.

    count     people, of the seeds from `first` on; their motions take turns
    length    frames that are rendered of each, at `fps`
    frames    driven frames of a sample
    together  one after the other, for models of clips; else scattered over the clip
    """

    count: int
    length: int
    fps: float
    size: Size
    frames: int
    first: int = 100_000
    together: bool = False
    augment: Augment = Augment()
    _kept: dict[int, tuple[np.ndarray, PoseSequence]] = field(default_factory=dict, repr=False, compare=False)

    def draw(self, rng: np.random.Generator) -> Sample:
        frames, poses = self.person(self.first + int(rng.integers(self.count)))
        reference, which = stretch(self.length, self.frames, 1, rng) if self.together else scattered(self.length, self.frames, rng)
        return self.augment(sample_of(frames, poses, reference, which), rng)

    def person(self, seed: int) -> tuple[np.ndarray, PoseSequence]:
        """The clip of one person: F H W 3 uint8 and its poses with masks."""
        if seed not in self._kept:
            names = sorted(MOTIONS)
            self._kept[seed] = clip(seed, names[seed % len(names)], self.length, self.size, self.fps)
        return self._kept[seed]


def sample_of(frames: np.ndarray, poses: PoseSequence, reference: int, which: np.ndarray) -> Sample:
    """The sample of one reference and some frames of a clip in memory that needs no cutting."""
    mask = None if poses.mask is None else poses.mask[which]
    driven = replace(poses, points=poses.points[which], score=poses.score[which], mask=mask)
    return Sample(frames[reference], frames[reference], frames[which], poses.frames(slice(reference, reference + 1)), driven)


def mirrored(sample: Sample) -> Sample:
    """The same in a mirror: what was the person's left hand is the right one of the person in the mirror."""
    pictures = {name: getattr(sample, name)[..., ::-1, :] for name in ("whole", "reference", "frames")}
    return replace(sample, given=_mirrored(sample.given), poses=_mirrored(sample.poses), **pictures)


def before(sample: Sample, background: np.ndarray) -> Sample:  # H W 3
    """The person before another background. A sample without masks stays as it is."""
    if sample.given.mask is None or sample.poses.mask is None:
        return sample
    reference = _laid(sample.reference, sample.given.mask[0], background)
    return replace(sample, whole=reference, reference=reference, frames=_laid(sample.frames, sample.poses.mask, background))


def aside(sample: Sample, step: np.ndarray) -> Sample:
    """The reference's person elsewhere, by fractions of the picture (x, y). A sample without masks stays as it is.

    The background goes along, and what comes in at the edge is no background: lay the person before another one.
    """
    if sample.given.mask is None:
        return sample
    offset = np.round(step * sample.given.size)
    matrix = np.array([[1.0, 0, offset[0]], [0, 1, offset[1]]])
    reference, mask = (cv2.warpAffine(picture, matrix, picture.shape[1::-1]) for picture in (sample.reference, sample.given.mask[0]))
    points = sample.given.points.copy()
    points[..., :2] += offset
    return replace(sample, whole=reference, reference=reference, given=replace(sample.given, points=points, mask=mask[None]))


def _laid(pictures: np.ndarray, mask: np.ndarray, background: np.ndarray) -> np.ndarray:  # ... H W 3, ... H W
    alpha = mask[..., None].astype(np.float32) / 255
    return (pictures * alpha + background * (1 - alpha)).round().astype(np.uint8)


def scenery(size: Size, rng: np.random.Generator) -> np.ndarray:  # H W 3 uint8
    """Noise whose amplitudes fall with the frequency as those of photographs do, in colours of any mean and contrast."""
    width, height = size
    frequency = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width)[None] * width)
    spectrum = np.fft.rfft2(rng.normal(size=(3, height, width))) / np.maximum(frequency, 1) ** rng.uniform(0.8, 1.6)
    spectrum[:, 0, 0] = 0
    noise = np.fft.irfft2(spectrum, (height, width))
    noise /= noise.std()
    mixed = np.tensordot(rng.normal(size=(3, 3)) * 0.25 + 0.7, noise, 1)  # channels of photographs vary together
    return (rng.uniform(40, 215, 3) + rng.uniform(5, 50) * mixed.transpose(1, 2, 0)).clip(0, 255).astype(np.uint8)


def zoomed(sample: Sample, scale: float, shift: np.ndarray) -> Sample:
    """The same seen from nearer (scale above 1) or farther, moved by a fraction of the picture; the edge's colour goes on outside."""
    size = np.array(sample.poses.size)
    offset = (1 - scale) * size / 2 + shift * size
    matrix = np.array([[scale, 0, offset[0] + (scale - 1) / 2], [0, scale, offset[1] + (scale - 1) / 2]])  # of pixels' middles
    reference = _warped(sample.reference, matrix)
    return replace(
        sample,
        whole=reference,
        reference=reference,
        frames=np.stack([_warped(frame, matrix) for frame in sample.frames]),
        given=_zoomed(sample.given, scale, offset, matrix),
        poses=_zoomed(sample.poses, scale, offset, matrix),
    )


def _warped(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(picture, matrix, picture.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _zoomed(poses: PoseSequence, scale: float, offset: np.ndarray, matrix: np.ndarray) -> PoseSequence:
    points = poses.points * scale
    points[..., :2] += offset
    mask = None if poses.mask is None else np.stack([_warped(one, matrix) for one in poses.mask])
    return replace(poses, points=points, mask=mask)


def _mirrored(poses: PoseSequence) -> PoseSequence:
    points = poses.points[:, :, OTHER_SIDE].copy()
    points[..., 0] = poses.size[0] - points[..., 0]
    return replace(poses, points=points, score=poses.score[:, :, OTHER_SIDE], mask=None if poses.mask is None else poses.mask[..., ::-1])


def _moved(poses: PoseSequence, reach: float, rng: np.random.Generator) -> PoseSequence:
    points = poses.points.copy()
    points[..., :2] += rng.normal(0, 1, points[..., :2].shape) * reach
    return replace(poses, points=points)


def _without(poses: PoseSequence, points: slice) -> PoseSequence:
    score = poses.score.copy()
    score[..., points] = 0
    return replace(poses, score=score)
