"""DWPose from local ONNX files: the estimator of the published systems, as MooreThreads' AnimateAnyone runs it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import cv2
import numpy as np

from animato.core.cache import cache_folder
from animato.core.errors import InputError, MissingModelError
from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.pose.estimator import simcc, yolox
from animato.pose.estimator.dwpose_files import DWPOSE, DWPOSE_FILES, FETCHED
from animato.pose.estimator.follow import BEST, Person, again, pick
from animato.pose.keypoints import BODY, KEYPOINTS, PoseSequence
from animato.pose.limbs import SEEN

DETECTOR, ESTIMATOR = DWPOSE_FILES
RESOLUTION = 512  # of the shorter side of the picture that the networks see
STEP = 64  # both sides are multiples of it, so the shape changes a little


class DWPose:
    """Two networks on the CPU: a YOLOX detector of people and a SimCC estimator of 133 points.

    Raises MissingModelError if onnxruntime or a file is not there, or a file is not such a network.
    """

    def __init__(self, detector: Path, estimator: Path, threads: int = 1) -> None:
        self._detector = _Network(Path(detector), threads, outputs=1, size=(640, 640))
        self._estimator = _Network(Path(estimator), threads, outputs=2, size=(288, 384))

    @classmethod
    def from_folder(cls, folder: Path) -> DWPose:
        """The two files under their published names; of a folder called "fetched" that is not there, those that were fetched."""
        place = cache_folder() / DWPOSE if str(folder) in (FETCHED, DWPOSE) and not Path(folder).is_dir() else Path(folder)
        return cls(place / DETECTOR, place / ESTIMATOR)

    def estimate_picture(self, picture: np.ndarray) -> PoseSequence:
        """Everyone in an H W 3 uint8 RGB picture, the best seen first. Where no box is found, the whole picture is taken for one.

        z is 0. Raises InputError if nobody is seen.
        """
        points, score = self._people(picture)
        if not _is_seen(score[0]):
            raise InputError("DWPose sees no person in the picture. Use one that shows a person clearly.")
        return PoseSequence(points[None], score[None], (picture.shape[1], picture.shape[0]))

    def estimate_video(self, clip: Clip, person: Person = BEST, progress: Progress = silent) -> PoseSequence:
        """One person: the best seen of each frame, as published, or one chosen in the first frame (follow.pick) and followed from there.

        Frames without them have score 0. Raises InputError if there is no such person, or nobody in any frame.
        """
        points, score = [np.zeros((KEYPOINTS, 3))], [np.zeros(KEYPOINTS)]
        last = 0  # the frame in which the person was seen last, counted from 1
        for done, frame in enumerate(clip, 1):
            people, scores = self._people(frame)
            found = _same(people, scores, person, (points[last], score[last] >= SEEN) if last else None)
            points.append(np.zeros((KEYPOINTS, 3)) if found is None else people[found])
            score.append(np.zeros(KEYPOINTS) if found is None else scores[found])
            last = done if _is_seen(score[-1]) else last
            progress("pose", done, clip.length or 0)
        if not last:
            raise InputError("DWPose sees no person in the video. Use one that shows a person clearly.")
        return PoseSequence(np.array(points[1:])[:, None], np.array(score[1:])[:, None], clip.size, float(clip.fps))

    def _people(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P 134 3 in pixels of the picture and P 134, at least one person, ordered by the mean score of the body."""
        image = resized(np.ascontiguousarray(picture[..., ::-1]))
        boxes = self._boxes(image)
        found = [self._points(image, box) for box in boxes]
        points, score = simcc.openpose_order(*(np.stack(part) for part in zip(*found, strict=True)))
        scale = np.array([picture.shape[1] / image.shape[1], picture.shape[0] / image.shape[0]])
        order = np.argsort(-score[:, BODY].mean(axis=1), kind="stable")
        return np.pad(points * scale, ((0, 0), (0, 0), (0, 1)))[order], np.clip(score[order], 0, 1).astype(float)

    def _boxes(self, image: np.ndarray) -> np.ndarray:
        batch, ratio = yolox.letterbox(image, self._detector.size)
        boxes = yolox.people(self._detector(batch)[0], self._detector.size, ratio)
        return boxes if len(boxes) else np.array([[0.0, 0.0, image.shape[1], image.shape[0]]])

    def _points(self, image: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        size = self._estimator.size
        centre, extent = simcc.region(box, size)
        points, score = simcc.decode(*self._estimator(simcc.crop(image, centre, extent, size).transpose(2, 0, 1)))
        return simcc.to_picture(points[0], centre, extent, size), score[0]


def prepared_size(size: Size, resolution: int = RESOLUTION) -> Size:
    """The size at which a picture is analysed and its skeleton drawn: the shorter side near `resolution`, both multiples of 64."""
    scale = resolution / min(size)
    width, height = (int(np.round(side * scale / STEP)) * STEP for side in size)
    return width, height


def resized(image: np.ndarray, resolution: int = RESOLUTION) -> np.ndarray:
    """A picture at its prepared size."""
    size = (image.shape[1], image.shape[0])
    growing = resolution > min(size)
    return cv2.resize(image, prepared_size(size, resolution), interpolation=cv2.INTER_LANCZOS4 if growing else cv2.INTER_AREA)


def _is_seen(score: np.ndarray) -> bool:
    return bool((score[BODY] > simcc.VISIBLE).any())


def _same(people: np.ndarray, scores: np.ndarray, person: Person, before: tuple[np.ndarray, np.ndarray] | None) -> int | None:
    """Which of the people of a frame is meant, given where they were `before`; the best seen one without a look at the others."""
    if person == BEST:
        return 0
    sure = np.flatnonzero([_is_seen(score) for score in scores])
    if len(sure) == 0:
        return None
    found = pick(people[sure], scores[sure], person) if before is None else again(people[sure], scores[sure], *before)
    return None if found is None else int(sure[found])


class _Network:
    """One ONNX file with one picture in, of the file's own size or, if that is free, of `size`."""

    def __init__(self, path: Path, threads: int, outputs: int, size: Size) -> None:
        runtime = _onnxruntime()
        if not path.is_file():
            get = f"Run `animato fetch {DWPOSE}` and name `{FETCHED}`, or put {DETECTOR} and {ESTIMATOR} into one folder and name it."
            other = next(iter(sorted(path.parent.glob("*.pth"))), None)
            instead = f" {other.name} beside it is for another program: ONNX files are due." if other else ""
            raise MissingModelError(f"DWPose's file {path} is not there.{instead} {get}")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        state = runtime.capi.onnxruntime_pybind11_state
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except (state.InvalidProtobuf, state.InvalidGraph, state.InvalidArgument, state.Fail, state.NotImplemented) as error:
            raise MissingModelError(f"{path} cannot be read as an ONNX network: {error}. Fetch the file again.") from error
        self._input = self._session.get_inputs()[0]
        height, width = self._input.shape[2:]
        self.size = (width, height) if isinstance(width, int) and isinstance(height, int) else size
        if len(self._session.get_outputs()) != outputs:
            raise MissingModelError(f"{path} is another network: it has {len(self._session.get_outputs())} outputs instead of {outputs}.")

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """3 h w -> the outputs for a batch of one."""
        return self._session.run(None, {self._input.name: image[None].astype(np.float32)})


def _onnxruntime() -> ModuleType:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingModelError('DWPose needs onnxruntime: run pip install "animato[dwpose]".') from error
    return onnxruntime
