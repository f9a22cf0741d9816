"""The sound of one file carried over into an MP4: copied packet by packet where browsers know its codec, else encoded anew as AAC."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Protocol

import av
import numpy as np

from animato.core.container import open_container, packets, sound_stream, tick_of, video_streams
from animato.core.errors import InputError

_COPIED = ("aac", "mp3")  # what every browser plays inside MP4
_RATE = 48_000  # samples a second of sound encoded anew
_BITS = 160_000  # a second, likewise
_BLOCK = 1024  # samples in one AAC packet


class Soundtrack(Protocol):
    """Sound on its way from one file into another, on the clock of the source's video, in step with the frames."""

    def write_until(self, seconds: Fraction) -> None: ...

    def finish(self, seconds: Fraction) -> None:
        """Writes the rest up to `seconds`, where the sound is cut."""

    def close(self) -> None: ...


def soundtrack(source: Path, target: av.container.OutputContainer) -> Soundtrack:
    """The sound of the file `source` for `target`, to which its stream is added. Raises InputError."""
    container = open_container(source)
    stream = sound_stream(container)
    if stream is None:
        container.close()
        raise InputError(f"{source} holds no sound that can be read: write the clip without sound.")
    return (_Copy if stream.codec_context.codec.canonical_name in _COPIED else _Encode)(container, stream, target)


class _Copy:
    """Packets as they are; the cut comes at the packet boundary nearest to it."""

    def __init__(self, source: av.container.InputContainer, stream: av.AudioStream, target: av.container.OutputContainer) -> None:
        self._source, self._target = source, target
        self._out = target.add_stream_from_template(stream)
        self._packets = _timed_packets(source, stream)
        self._next = next(self._packets, None)

    def write_until(self, seconds: Fraction) -> None:
        while self._next is not None and self._next[0] < seconds:
            packet = self._next[1]
            packet.stream = self._out
            self._target.mux(packet)
            self._next = next(self._packets, None)

    def finish(self, seconds: Fraction) -> None:
        self.write_until(seconds)

    def close(self) -> None:
        self._source.close()


class _Encode:
    """Decoded, brought to stereo at 48 kHz and encoded as AAC, cut to the sample."""

    def __init__(self, source: av.container.InputContainer, stream: av.AudioStream, target: av.container.OutputContainer) -> None:
        self._source, self._target = source, target
        self._out = target.add_stream("aac", rate=_RATE, layout="stereo", bit_rate=_BITS)
        self._samples = _timed_samples(source, stream)
        self._waiting = np.zeros((2, 0), np.float32)  # channels x samples
        self._written = 0

    def write_until(self, seconds: Fraction) -> None:
        while self._written + _BLOCK <= seconds * _RATE and self._write(_BLOCK):
            pass

    def finish(self, seconds: Fraction) -> None:
        self.write_until(seconds)
        self._write(round(seconds * _RATE) - self._written)
        self._target.mux(self._out.encode(None))

    def close(self) -> None:
        self._source.close()

    def _write(self, count: int) -> bool:
        """Encodes the next `count` samples, fewer at the end of the sound; False if there are none."""
        while self._waiting.shape[1] < count and (more := next(self._samples, None)) is not None:
            self._waiting = np.concatenate([self._waiting, more], axis=1)
        block, self._waiting = self._waiting[:, :count], self._waiting[:, count:]
        if block.shape[1] == 0:
            return False
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
        frame.sample_rate = _RATE
        frame.pts = self._written
        frame.time_base = Fraction(1, _RATE)
        self._target.mux(self._out.encode(frame))
        self._written += block.shape[1]
        return True


def _timed_packets(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[tuple[Fraction, av.Packet]]:
    """(middle in seconds, packet) on the video's clock; the one before time 0 stays, because decoding the next needs it."""
    tick = tick_of(stream)
    offset = round(_video_start(container) / tick)
    for packet in packets(container, stream):
        if packet.pts is None:
            continue
        duration = packet.duration or 0
        packet.pts -= offset
        packet.dts = packet.pts
        if packet.pts >= -duration:
            yield (packet.pts + Fraction(duration, 2)) * tick, packet


def _timed_samples(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[np.ndarray]:
    """2 x n float32 pieces at 48 kHz, the first of which begins at the video's time 0: silence is put before it, or sound cut off."""
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=_RATE)
    early: int | None = None  # samples to cut off; unknown before the first frame
    for frame in chain(_decoded(container, stream), [None]):
        if early is None and frame is not None:
            lead = round((Fraction(frame.pts or 0) * tick_of(stream) - _video_start(container)) * _RATE)
            early = max(-lead, 0)
            yield from _silence(max(lead, 0))
        if frame is not None:
            frame.pts = None
        for piece in resampler.resample(frame):
            samples = piece.to_ndarray()
            yield samples[:, early:]
            early = max((early or 0) - samples.shape[1], 0)


def _silence(samples: int) -> Iterator[np.ndarray]:
    """2 x n float32 pieces: a file may say that its sound begins after years."""
    for begin in range(0, samples, _RATE):
        yield np.zeros((2, min(_RATE, samples - begin)), np.float32)


def _decoded(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
    for packet in chain(packets(container, stream), [None]):
        try:
            yield from stream.decode(packet)
        except av.error.FFmpegError:
            continue


def _video_start(container: av.container.InputContainer) -> Fraction:
    """The time at which the video of a file begins, in seconds; 0 if there is none."""
    starts = (stream.start_time * tick_of(stream) for stream in video_streams(container) if stream.start_time is not None)
    return next(starts, Fraction(0))
