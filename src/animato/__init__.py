"""animato: one picture of a character and a driving video become a video in which that character performs that motion."""

__version__ = "0.1.0"
