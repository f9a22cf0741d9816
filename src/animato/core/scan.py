"""What the packets of a video say, before anything is decoded: the times of its frames, and whether its end is missing."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import av

from animato.core.container import all_packets, fraction, tick_of
from animato.core.errors import InputError
from animato.core.timing import Timing, constant_rate, one_by_one

_SEGMENT = bytes.fromhex("18538067")  # the element of a Matroska file that holds all but its header

_LEAST_LOSS = Fraction(1, 10)  # seconds; headers are off by less without any harm


@dataclass(frozen=True)
class Scan:
    """The timing of all frames, and sentences for the user on what is odd.

    times  in seconds, in the order of showing, where decoded frames carry no right times themselves; else None
    """

    timing: Timing
    times: tuple[Fraction, ...] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Stamps:
    """Of the intact packets, in the order of decoding and in ticks: when to show each, when to decode it.

    end      when the last picture has been shown
    broken   whether there is a damaged packet too
    """

    shown: list[int | None]
    decoded: list[int | None]
    end: int
    broken: bool


def scan(container: av.container.InputContainer, stream: av.VideoStream, path: Path) -> Scan:
    """Runs through the packets alone: headers are often wrong about times. Raises InputError if there are none."""
    stamps = _stamps(container, stream)
    named = [rate for rate in (fraction(stream.guessed_rate), fraction(stream.average_rate)) if rate]
    if not stamps.shown:
        raise InputError(f"{path} holds no frames: it is damaged or truncated; copy or download it again.")
    ticks = [tick for tick in stamps.shown if tick is not None]
    if len(ticks) < len(stamps.shown):
        return Scan(one_by_one(len(stamps.shown), named))
    in_order = _in_order_of_showing(stream, ticks, stamps.decoded)
    timing = constant_rate(in_order or ticks, tick_of(stream), named)
    times = tuple(tick * tick_of(stream) for tick in in_order) if in_order else None
    return Scan(timing, times, _missing_end(container, stream, stamps, path))


def _stamps(container: av.container.InputContainer, stream: av.VideoStream) -> _Stamps:
    shown: list[int | None] = []
    decoded: list[int | None] = []
    end = 0
    broken = False
    for packet in all_packets(container, stream):
        if packet is None or packet.is_corrupt:
            broken = True
        elif packet.pts is None or not packet.is_discard:
            shown.append(packet.pts)
            decoded.append(packet.dts)
            end = max(end, (packet.pts or 0) + (packet.duration or 0))
    return _Stamps(shown, decoded, end, broken)


def _in_order_of_showing(stream: av.VideoStream, ticks: list[int], decoded: list[int | None]) -> list[int] | None:
    """The times of frames that may be stored in another order than they are shown, where the file has times for the storing only.

    AVI and ASF know no others: FFmpeg then gives each packet the time at which the next one is decoded, and the last one any.
    """
    known = [tick for tick in decoded if tick is not None]
    if len(known) == len(ticks) and _rising(known) and known[2:] == ticks[1:-1]:
        return known
    return ticks if stream.codec_context.has_b_frames and _rising(ticks) else None


def _rising(ticks: list[int]) -> bool:
    return all(before < after for before, after in pairwise(ticks))


def _missing_end(container: av.container.InputContainer, stream: av.VideoStream, stamps: _Stamps, path: Path) -> tuple[str, ...]:
    """A note if the header promises clearly more than was found; a last picture that is shown for long is no broken promise.

    Where the header speaks of all streams together, a longer sound says nothing, nor does the time up to the end of the last picture
    unless the file is seen to be cut: few files say for how long that is shown.
    """
    tick = tick_of(stream)
    first = min(shown for shown in stamps.shown if shown is not None) * tick
    end = stamps.end * tick
    if stream.duration:
        promised = stream.duration * tick
    elif container.duration and not container.streams.audio and (stamps.broken or _matroska_is_cut(path)):
        promised = Fraction(container.duration, av.time_base)
    else:
        return ()
    begin = Fraction(0) if 0 < first < 1 else first  # some promises count from 0
    if promised - (end - begin) < max(4 * (end - first) / len(stamps.shown), promised / 50, _LEAST_LOSS):
        return ()
    return (f"{path} ends early: {float(end - first):.1f} s of the {float(promised):.1f} s that its header promises could be read.",)


def _matroska_is_cut(path: Path) -> bool:
    """Whether this is a Matroska file whose one large element is longer than the file."""
    with path.open("rb") as file:
        if file.read(4) != bytes.fromhex("1A45DFA3"):
            return False
        file.seek(_size(file) or 0, 1)
        if file.read(4) != _SEGMENT:
            return False
        size = _size(file)
        return size is not None and file.tell() + size > path.stat().st_size


def _size(file: BinaryIO) -> int | None:
    """The length of an element, as many bytes as its first one tells by its leading zeros; None if it is unknown, all bits set."""
    first = file.read(1)[:1] or b"\x01"
    width = 8 - first[0].bit_length() if first[0] else 0
    value = int.from_bytes(bytes([first[0] & (0x7F >> width)]) + file.read(width), "big")
    return None if value == (1 << 7 * (width + 1)) - 1 else value
