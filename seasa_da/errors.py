"""The one exception that means "the user can mend this"."""


class UserError(Exception):
    """Bad input, a broken file or an unusable folder.

    The message is one line that says what is wrong, in which file or setting, and what to do about it. The command
    line prints it without a traceback and exits with `exit_code`; Python callers may catch it.
    """

    exit_code = 2


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
