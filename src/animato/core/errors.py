"""What animato says when something is wrong: one sentence on what and where, one on what to do."""


class AnimatoError(Exception):
    """Any failure that the user can act on. The message is shown as it is, without a traceback; the command line exits with `exit_code`."""

    exit_code = 2


class InputError(AnimatoError):
    """A picture, a video, a pose file or an option cannot be used as given."""


class NobodyFound(InputError):
    """In a picture no person was recognised; there may be one all the same, drawn or built."""


class MissingModelError(AnimatoError):
    """A model file is not on this machine, or is not the file it should be."""


class OutputError(AnimatoError):
    """The result cannot be written: no space, no permission, an unknown ending."""


class NotFiniteError(AnimatoError):
    """Networks gave values that are no numbers any more; the message says where, and in which precision."""


class Interrupted(AnimatoError):
    """The user stopped the work; the message says what was finished and where it is. exit_code: 128 and the number of the signal."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code
