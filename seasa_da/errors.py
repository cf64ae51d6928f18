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
