"""Writing files and folders so that a reader never sees half of one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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
def atomic_folder(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a new folder beside `target`; when the block ends well it is renamed to `target`, else removed.

    `target` must not exist, or be an empty folder, when the block ends; with `replace` it may be an older folder, which
    is removed then. Raises `UserError` when it cannot be written.
    """
    mark = uuid.uuid4().hex[:8]
    aside, older = (target.parent / f".{target.name}.{mark}.{end}" for end in ("partial", "older"))
    with os_errors_named(target, "write"):
        try:
            aside.mkdir(parents=True)
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
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            if target.exists():
                shutil.rmtree(older, ignore_errors=True)


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
