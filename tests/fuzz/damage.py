"""What happens to files: bits flip, ends are cut off, JSON says something else."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(
    ["", ".", "..", "../../outside", "/tmp/outside", "a/b", "a\0b", "a\nb", "\x1b[31m", "<script>", "\ud800", "ä" * 300]
)
"""Names that no file should have."""
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=8),
    NAMES,
)
CONTENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
)


@st.composite
def bytes_of(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` after one to three accidents."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        # the beginning, where headers are, is hit more often
        end = draw(st.sampled_from([64, 400, max(1, len(changed))]))
        place = draw(st.integers(0, max(0, min(end, len(changed)) - 1)))
        kind = draw(st.sampled_from(["flip", "cut", "set", "insert", "repeat"]))
        if kind == "flip" and changed:
            changed[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del changed[place:]
        elif kind == "set":
            some = draw(st.sampled_from([b"\0" * 4, b"\xff" * 8, b"\x7f\xff\xff\xff", b"nan", b"1e999", b"-1"]))
            changed[place : place + len(some)] = some
        elif kind == "insert":
            changed[place:place] = draw(st.binary(max_size=16))
        else:
            changed[place:place] = changed[: min(len(changed), 4096)]
    return bytes(changed)


@st.composite
def json_of(draw: st.DrawFn, content: Any) -> Any:
    """`content` with one value, somewhere in it, another or gone."""
    changed = json.loads(json.dumps(content))
    node, parent, key = changed, None, None
    while isinstance(node, (dict, list)) and node and draw(st.integers(0, 5)):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        parent, key = node, draw(st.sampled_from(keys))
        node = parent[key]
    if parent is None:
        return draw(CONTENTS)
    if draw(st.integers(0, 3)) == 0:
        del parent[key]
    elif isinstance(parent, dict) and draw(st.integers(0, 5)) == 0:
        parent[draw(st.one_of(NAMES, st.text(max_size=5)))] = parent.pop(key)
    else:
        parent[key] = draw(CONTENTS)
    return changed


@st.composite
def damaged(draw: st.DrawFn, original: Path, suffixes: tuple[str, ...] = ("",)) -> tuple[str, bytes]:
    """A file of a folder, by its relative name, and its new content."""
    files = sorted(path for path in original.rglob("*") if path.is_file() and path.name.endswith(suffixes))
    path = draw(st.sampled_from(files))
    content = path.read_bytes()
    if path.suffix == ".json" and draw(st.integers(0, 2)):
        changed = draw(json_of(json.loads(content)))
        return str(path.relative_to(original)), json.dumps(changed).encode("utf-8", "surrogatepass")
    if path.suffix == ".gz" and draw(st.integers(0, 2)):
        return str(path.relative_to(original)), gzip.compress(draw(bytes_of(gzip.decompress(content))), 1)
    return str(path.relative_to(original)), draw(bytes_of(content))


def with_damage(original: Path, copy: Path, name: str, content: bytes) -> Path:
    """`original` at `copy`, but for one file."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(original, copy)
    (copy / name).write_bytes(content)
    return copy


def listing(folder: Path) -> set[str]:
    """All that is in a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
