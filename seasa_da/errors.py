"""The one exception that means "the user can mend this"."""


class UserError(Exception):
    """Bad input, a broken file or an unusable folder.

    The message is one line that says what is wrong, in which file or setting, and what to do about it. The command
    line prints it without a traceback and exits with code 2; Python callers may catch it.
    """
