"""Writing files and folders so that a reader never sees half of one."""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from seasa_da.errors import UserError


@contextmanager
def os_errors_named(path: Path, action: str) -> Iterator[None]:
    """Turn an `OSError` (disk full, no permission, not a folder …) into a `UserError` that names `path`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise UserError(f"cannot {action} {path}: {reason}; free space or choose another folder") from error


@contextmanager
def damage_named(folder: Path) -> Iterator[None]:
    """Turn what comes of a file whose content is not what it was into a `UserError` that names its folder.

    For readers of many small files that this program wrote: each would else have to look at every key. The first
    cause stays behind the error (`__cause__`), for whoever looks for a fault of ours.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, AssertionError) as error:
        what = f"{type(error).__name__}: {error}"
        raise UserError(f"a file in {folder} is damaged, or of another release ({what[:200]}); copy it anew") from error


@contextmanager
def atomic_folder(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a new folder beside `target`; when the block ends well it is renamed to `target`, else removed.

    `target` must not exist, or be an empty folder, when the block ends; with `replace` it may be an older folder, which
    is removed then. What a process that was killed had begun for the same target is removed. Raises `UserError` when it
    cannot be written.
    """
    with os_errors_named(target, "write"):
        sweep_partials(target.parent, target.name)
        aside, lock = _held_folder(target)
        older = target.with_name(aside.name.removesuffix("partial") + "older")
        try:
            yield aside
            if target.is_dir() and not any(target.iterdir()):
                target.rmdir()
            if replace and target.exists():
                target.rename(older)
            try:
                aside.rename(target)
            except BaseException:
                if older.exists():
                    older.rename(target)
                raise
            _flush_folder(target.parent)
        finally:
            os.close(lock)
            shutil.rmtree(aside, ignore_errors=True)
            if target.exists():
                shutil.rmtree(older, ignore_errors=True)


def _held_folder(target: Path) -> tuple[Path, int]:
    """A new folder beside `target` and the lock that says that somebody is still writing to it."""
    while True:
        aside = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.partial"
        aside.mkdir(parents=True)
        with suppress(FileNotFoundError):  # swept before it was locked
            descriptor = os.open(aside, os.O_RDONLY)
            if _locked(descriptor, aside):
                return aside, descriptor
            os.close(descriptor)


def sweep_partials(parent: Path, name: str = "*") -> None:
    """Remove from a folder what killed processes had begun to write for `name`, and nobody is writing any more."""
    if not parent.is_dir():
        return
    for path in _partials(parent, name):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            if _locked(descriptor, path, sure=True):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def hold(path: Path) -> int | None:
    """Lock a file, which is made if need be; `None` if another process holds it.

    The system lets go of the lock when the descriptor is closed or the process ends. Raises `OSError`. On a file
    system without locks nobody is kept out.
    """
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
        with suppress(FileNotFoundError):  # its holder removed it between our opening and locking it
            if _locked(descriptor, path):
                return descriptor
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                os.close(descriptor)
                return None
        os.close(descriptor)


@contextmanager
def held_alone(folder: Path, advice: str) -> Iterator[None]:
    """Keep other processes that ask for the same out of an existing folder, by a lock in its file `.lock`.

    Raises:
        UserError: with `advice`, when another process holds it; or the folder cannot be written.
    """
    path = folder / ".lock"
    with os_errors_named(folder, "write to"):
        lock = hold(path)
    if lock is None:
        raise UserError(f"another process is writing to {folder}; {advice}")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


def mark_in_use(descriptor: int, partial: Path) -> None:
    """Keep `sweep_partials` from an open file that is being written, until it is closed."""
    _locked(descriptor, partial)


def refuse_busy_folder(target: Path) -> None:
    """Raise `UserError` when another process is making `target` by `atomic_folder`: one of two would lose its work."""
    with os_errors_named(target, "write to"):
        sweep_partials(target.parent, target.name)
        if any(_partials(target.parent, target.name)):
            raise UserError(f"another process is making {target}; wait for it, or choose another folder")


def _partials(parent: Path, name: str) -> Iterator[Path]:
    pattern = "*" if name == "*" else glob.escape(name)
    return parent.glob(f".{pattern}.{'[0-9a-f]' * 8}.partial")


def _locked(descriptor: int, path: Path, *, sure: bool = False) -> bool:
    """Try to lock what is open, and is still to be found at `path` (`FileNotFoundError` if nothing is).

    Where there are no locks the answer is yes, or no if one has to be `sure`.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EBADF, errno.EINVAL):
            raise
        return not sure
    return os.path.samestat(os.fstat(descriptor), path.stat())


def _flush_folder(folder: Path) -> None:
    """A rename is safe from a power cut once its folder is flushed; some file systems cannot, and need not."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def refuse_used_folder(target: Path) -> None:
    """Raise `UserError` unless `target` is free: not there, or an empty folder."""
    with os_errors_named(target, "write to"):
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UserError(f"{target} exists and is not empty; choose another folder, or remove it")


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file beside `path`; when the block ends well it is flushed to disk and renamed over `path`."""
    aside = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}.partial"
    with os_errors_named(path, "write"):
        try:
            with aside.open("wb") as file:
                mark_in_use(file.fileno(), aside)
                yield file
                file.flush()
                os.fsync(file.fileno())
                aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def write_text_atomic(path: Path, text: str) -> None:
    """Write `text` to a file beside `path`, flush it to disk, then rename it over `path`."""
    with atomic_file(path) as file:
        file.write(text.encode())


def write_json_atomic(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; NaN and infinity are refused (`ValueError`), since they are not JSON."""
    write_text_atomic(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises `UserError` naming the file when it is missing, unreadable or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, a number of thousands of digits, too deep
        raise UserError(f"{path} is not valid JSON ({error})") from error


def is_plain_name(name: object) -> bool:
    """Whether a name from inside a file may be that of a file or folder: it leads nowhere else, and is printable."""
    return isinstance(name, str) and name not in ("", ".", "..") and "/" not in name and name.isprintable()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal, read in blocks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def cache_dir() -> Path:
    """Where phantoms, prepared stores and reference runs are kept: `$SEASA_DA_CACHE`, or the user's cache folder."""
    if own := os.environ.get("SEASA_DA_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "seasa-da"
