"""DWPose's two networks in ONNX: sizes and sha256 as many public lists have them. Its detector is YOLOX's own file."""

from __future__ import annotations

from animato.pose.estimator.dwpose_files import DWPOSE, DWPOSE_FILES, FETCHED
from animato.weights.files import Network, Offer, Official, Piece, Remote, Source
from animato.weights.places import HuggingFace, Place, Web

DETECTOR, ESTIMATOR = DWPOSE_FILES
FINDS = Remote(DETECTOR, 216_746_733, "7860ae79de6c89a3c1eb72ae9a2756c0ccfbe04b7791bb5880afabd97855a411")
ESTIMATES = Remote(ESTIMATOR, 134_399_116, "724f4ff2439ed61afb86fb8a1951ec39c6220682803b4a8bd4f598cd913b1843")
FIRST = HuggingFace("yzd-v/DWPose")
YOLOX = Web("https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0")


def offered(*copies: Place) -> Official:
    """Both networks, of their first publisher and of places that have copies."""
    return Official(
        DWPOSE,
        (
            _offer("the detector of people", FINDS, FIRST, *copies, YOLOX),
            _offer("the estimator of 133 points", ESTIMATES, FIRST, *copies),
        ),
        use=f"animato pose VIDEO -o poses.npz --dwpose {FETCHED}",
    )


def _offer(what: str, file: Remote, *places: Place) -> Offer:
    return Offer(Piece(what, (Network(file.name, file.size),)), "Apache-2.0", tuple(Source(at, (file,)) for at in places))
