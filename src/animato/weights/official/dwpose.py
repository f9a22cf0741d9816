"""DWPose's two networks in ONNX: sizes and sha256 as many public lists have them. Its detector is YOLOX's own file."""

from __future__ import annotations

from animato.pose.estimator.dwpose import DETECTOR, ESTIMATOR, NAME
from animato.weights.files import Network, Offer, Official, Piece, Remote, Source
from animato.weights.places import HuggingFace, ModelScope, Place, Web

FINDS = Remote(DETECTOR, 216_746_733, "7860ae79de6c89a3c1eb72ae9a2756c0ccfbe04b7791bb5880afabd97855a411")
ESTIMATES = Remote(ESTIMATOR, 134_399_116, "724f4ff2439ed61afb86fb8a1951ec39c6220682803b4a8bd4f598cd913b1843")
PLACES: tuple[Place, ...] = (HuggingFace("yzd-v/DWPose"), HuggingFace("camenduru/unianimate"), ModelScope("iic/unianimate"))
YOLOX = Web("https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0")


def _offer(what: str, file: Remote, *more: Place) -> Offer:
    sources = tuple(Source(at, (file,)) for at in (*PLACES, *more))
    return Offer(Piece(what, (Network(file.name, file.size),)), "Apache-2.0", sources)


OFFICIAL = Official(NAME, (_offer("the detector of people", FINDS, YOLOX), _offer("the estimator of 133 points", ESTIMATES)))
