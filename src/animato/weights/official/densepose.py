"""DensePose in TorchScript, of two sizes, in one folder. The card of the copy names another licence than the networks have.

The first publisher keeps its files in releases, which are listed when they are asked for. Its names are those that its own `export.py`
gives; they were never confirmed.
"""

from __future__ import annotations

from animato.weights.files import Network, Offer, Official, Piece, Remote, Source
from animato.weights.places import GitHub, HuggingFace

NAME = "densepose"
LICENCE = "CC BY-SA 3.0, of detectron2's model zoo, whatever the card of a copy says"
CAUTION = "A TorchScript file is a program that runs here: fetch and use it only if you trust the people who publish it."
FIRST = GitHub("dajes/DensePose-TorchScript")
COPY = HuggingFace("LayerNorm/DensePose-TorchScript-with-hint-image")


def _official(name: str, layers: int, size: int) -> Official:
    """Either file will do. Both are of one network, whose size is known of the copy."""
    copy = Network(f"densepose_r{layers}_fpn_dl.torchscript", size)
    first = Network(f"densepose_rcnn_R_{layers}_FPN_DL_s1x_fp32.pt", size)
    sources = tuple(Source(at, (Remote(one.name, size),)) for at, one in ((FIRST, first), (COPY, copy)))
    piece = Piece(f"DensePose with a ResNet of {layers} layers", (copy, first))
    use = f"animato pose VIDEO -o parts.mp4 --kind densepose --densepose r{layers}"
    return Official(name, (Offer(piece, LICENCE, sources),), kept=NAME, caution=CAUTION, use=use)


SMALL = _official(NAME, 50, 265_000_000)
LARGE = _official(f"{NAME}-r101", 101, 342_000_000)
