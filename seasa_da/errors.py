"""The one exception that means "the user can mend this"."""

import re


class UserError(Exception):
    """Bad input, a broken file or an unusable folder.

    The message is one line that says what is wrong, in which file or setting, and what to do about it. The command
    line prints it without a traceback and exits with `exit_code`; Python callers may catch it.
    """

    exit_code = 2

    def __init__(self, message: str = "") -> None:
        # Names in it may be anybody's: they must neither begin a line nor steer a terminal.
        line = re.sub(r"\s*[\t-\r\x85\u2028\u2029]\s*", " ", str(message))
        super().__init__(re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: repr(found[0])[1:-1], line))


class WrongSetting(UserError):
    """A setting or an option names what is not there; the data themselves may be in order."""


class NonFiniteLoss(UserError):
    """Training stopped because a loss became NaN or infinite; the last checkpoint is from before."""

    exit_code = 1


class DamagedCheckpoint(UserError):
    """A checkpoint is not what was written (`what`); an older one may be."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; copy the run again, or start it anew")
        self.what = what


class WorkerDied(UserError):
    """A loader process was killed, again and again; the last checkpoint can be gone on from."""

    exit_code = 1
