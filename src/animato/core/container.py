"""Files of streams as FFmpeg opens them: which of their streams count as video and sound, and their intact packets."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from animato.core.boxes import check_tables
from animato.core.errors import InputError
from animato.core.reading import check_file

# What FFmpeg may take a file for, whatever its name: kinds whose pictures and sound lie in the file itself. Playlists, lists of files,
# numbered pictures, devices and descriptions of broadcasts are none of them, since they make FFmpeg open other files and addresses.
_VIDEO = "mov,matroska,avi,gif,apng,mpegts,mpeg,mpegvideo,flv,asf,ogg,yuv4mpegpipe,h264,hevc,vvc,av1,obu,ivf,m4v,h263,mjpeg,dv,mxf,nut,rm"
_SOUND = "mp3,wav,w64,flac,aac,aiff,caf,ac3,eac3,amr,au"
MAX_PIXELS = 100_000_000  # of a picture or frame
LIMITS = {"max_pixels": str(MAX_PIXELS)}  # for decoders: no room is made for a larger picture
_ALLOWED = {"format_whitelist": f"{_VIDEO},{_SOUND}", "protocol_whitelist": "file"}


def open_container(path: Path) -> av.container.InputContainer:
    """The file opened for reading. Raises InputError."""
    check_file(path)
    check_tables(path)
    try:
        # Absolute, because FFmpeg takes what stands before a colon in a relative name for a protocol.
        return _open_leniently(str(path.absolute()))
    except av.error.FFmpegError as error:
        raise InputError(
            f"{path} is not a video that can be read, or its header is damaged: give an MP4, MOV, WebM, MKV, AVI or GIF file."
        ) from error


def _open_leniently(name: str) -> av.container.InputContainer:
    """The file opened whatever its titles are written in: PyAV 18 must be told so, later versions always do it and know no such word."""
    try:
        return av.open(name, options=LIMITS, container_options=_ALLOWED, metadata_errors="ignore")
    except TypeError:
        return av.open(name, options=LIMITS, container_options=_ALLOWED)


def video_streams(container: av.container.InputContainer) -> list[av.VideoStream]:
    """The streams of moving pictures; the cover of a piece of music is none."""
    return [stream for stream in container.streams.video if not stream.disposition & av.stream.Disposition.attached_pic]


def holds_video(path: Path) -> bool:
    """Whether the file can be opened as a video."""
    try:
        with open_container(path) as container:
            return bool(video_streams(container))
    except InputError:
        return False


def sound_stream(container: av.container.InputContainer) -> av.AudioStream | None:
    """The first sound that can be decoded, if there is any."""
    return next((stream for stream in container.streams.audio if stream.codec_context is not None), None)


def packets(container: av.container.InputContainer, stream: av.stream.Stream) -> Iterator[av.Packet]:
    """The intact packets of a stream up to its end or to the first place that cannot be read."""
    return (packet for packet in all_packets(container, stream) if packet is not None and not packet.is_corrupt)


def all_packets(container: av.container.InputContainer, stream: av.stream.Stream) -> Iterator[av.Packet | None]:
    """The packets of a stream, damaged ones too; None at the end where the file cannot be read up to its own."""
    demuxed = container.demux(stream)
    while True:
        try:
            packet = next(demuxed, None)
        except av.error.FFmpegError:
            yield None
            return
        if packet is None:
            return
        if packet.size:
            yield packet


def tick_of(stream: av.stream.Stream) -> Fraction:
    """The unit of a stream's time stamps, in seconds."""
    return fraction(stream.time_base) or Fraction(1, av.time_base)


def fraction(value: Fraction | None) -> Fraction | None:
    """A ratio that PyAV gives, None if it is unset: PyAV 18 has None for that, later ones a ratio of their own kind that is false."""
    return Fraction(value.numerator, value.denominator) if value else None
