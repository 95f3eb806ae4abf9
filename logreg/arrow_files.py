"""Arrow's datasets, files and columns: what is opened, checked, and turned into numbers.

pyarrow is an extra: ``pip install 'logreg[arrow]'``.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

Array = NDArray[Any]

KINDS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".feather": "feather"}
KINDS |= {".arrow": "ipc", ".ipc": "ipc", ".orc": "orc"}
PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def arrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(
            "ArrowBlocks needs pyarrow, which is not installed: pip install 'logreg[arrow]'."
        ) from error
    return pyarrow


# -- the dataset -------------------------------------------------------------------------------


def open_dataset(source: Any) -> Any:
    """What was given as a pyarrow dataset."""
    import pyarrow.dataset as ds

    if isinstance(source, ds.Dataset):
        return source
    if isinstance(source, arrow().Table):
        return ds.dataset(source)
    paths = [os.fspath(p) for p in ([source] if isinstance(source, str | os.PathLike) else source)]
    lost = [path for path in paths if not os.path.exists(path)]
    if lost:
        raise FileNotFoundError(
            f"There is no file or folder {lost[0]!r}. For data on another machine give a "
            "pyarrow.dataset.dataset(...)."
        )
    files = [file for path in paths for file in files_of(path)]
    kinds = sorted({kind_of(file) or "unknown" for file in files})
    if kinds == ["unknown"] or len(kinds) != 1:
        what = f"{' and '.join(kinds)} files" if kinds else "no files of a known kind"
        raise ValueError(
            f"{paths[0] if len(paths) == 1 else 'dataset'!r} has {what}; expected one kind of "
            f"{', '.join(KINDS)}. Give a pyarrow.dataset.dataset(..., format=...)."
        )
    folder = paths[0] if len(paths) == 1 and os.path.isdir(paths[0]) else None
    hive = {"partitioning": "hive", "partition_base_dir": folder} if folder else {}
    with blaming(files[0]):
        return ds.dataset(files, format=kinds[0], **hive)


def files_of(path: str) -> list[str]:
    """A file itself; of a folder the files of known kinds, by path."""
    if not os.path.isdir(path):
        return [path]
    found = []
    for folder, inside, names in os.walk(path):
        inside[:] = [name for name in inside if name[0] not in "._"]
        found += [os.path.join(folder, n) for n in names if n[0] not in "._" and kind_of(n)]
    return sorted(found)


def kind_of(file: str) -> str | None:
    stem, ending = os.path.splitext(file.lower())
    return KINDS.get(os.path.splitext(stem)[1] if ending in (".gz", ".bz2", ".zst") else ending)


def chosen_columns(
    there: list[str],
    columns: Sequence[str] | None,
    target: str,
    weight: str | None,
    transform: Any,
) -> list[str]:
    """The columns of X, and that all names are there, once."""
    if isinstance(columns, str):
        raise ValueError(f"columns must be a list of names, got the string {columns!r}.")
    if columns is None:
        columns = getattr(transform, "feature_names_in_", None)
    if columns is None:
        rest = [name for name in there if name not in (target, weight)]
        columns = [name for name in rest if not PANDAS_INDEX.fullmatch(name)]
    columns = [str(name) for name in columns]
    asked = [*columns, target, *([weight] if weight else [])]
    missing = ", ".join(repr(name) for name in asked if name not in there)
    twice = [name for name in asked if there.count(name) > 1 or columns.count(name) > 1]
    if missing:
        has = ", ".join(map(repr, there)) or "none at all"
        raise ValueError(f"The dataset has no column {missing}. It has {has}.")
    if twice:
        raise ValueError(f"Column {twice[0]!r} is there twice. Rename it, or name it once.")
    if target in columns:
        raise ValueError(f"columns has the target {target!r}, which would explain itself.")
    if not columns:
        raise ValueError(f"There are no columns for X beside the target {target!r}.")
    return columns


def check_transform(transform: Any) -> None:
    if isinstance(transform, type) or not hasattr(transform, "transform"):
        raise ValueError(
            f"transform must be a fitted transformer with a method transform, got {transform!r}."
        )
    check_is_fitted(
        transform,
        msg="transform is a %(name)s that is not fitted yet. Fit it first, on a sample of the rows "
        "that has all categories.",
    )


# -- a file ------------------------------------------------------------------------------------


def fragments_of(dataset: Any) -> list[Any]:
    try:
        return list(dataset.get_fragments())
    except ValueError as error:
        raise ValueError(
            "The dataset has a filter of its own. Give the plain one, and filter= to ArrowBlocks."
        ) from error


def path_of(fragment: Any) -> str:
    return str(getattr(fragment, "path", "The table in memory"))


def is_local(fragment: Any) -> bool:
    return bool(fragment.buffer is None and fragment.filesystem.type_name == "local")


def stamp_of(fragment: Any) -> tuple[str, tuple[Any, ...]]:
    """The path, and the file's size in bytes and time of change; () for what is in memory."""
    if getattr(fragment, "buffer", fragment) is not None:  # not from a file
        return path_of(fragment), ()
    info = fragment.filesystem.get_file_info(fragment.path)
    return fragment.path, (info.size, info.mtime_ns)


def check_stamp(fragment: Any, stamps: dict[str, tuple[Any, ...]]) -> None:
    path, now = stamp_of(fragment)
    then = stamps.get(path, now)
    if now and now[0] is None:
        raise FileNotFoundError("it is no longer there")
    if now != then:
        raise ValueError(
            f"{path} has changed since ArrowBlocks first saw it (from {then[0]:,} to {now[0]:,} "
            "bytes): passes would not read the same rows. Make a new ArrowBlocks and fit again."
        )


@contextmanager
def blaming(path: str) -> Iterator[None]:
    """Errors of pyarrow and of reading as a sentence that names the file."""
    errors = (arrow().ArrowException, OSError)  # looked up now: at exit imports may be over
    try:
        yield
    except errors as error:
        kind = OSError if isinstance(error, OSError) else ValueError
        cause = str(error).strip().splitlines()[0].rstrip(".")
        raise kind(
            f"{path} cannot be read: {cause}. Is it whole, and like the other files? Write it "
            "again or leave it out."
        ) from error


# -- rows and columns --------------------------------------------------------------------------


def groups_of(n: int, batches: Iterable[Any]) -> Iterator[list[Any]]:
    """The same rows in lists of batches that have n rows together, the last perhaps fewer."""
    group: list[Any] = []
    room = n
    for batch in batches:
        while batch.num_rows >= room:
            yield [*group, batch.slice(0, room)]
            batch, group, room = batch.slice(room), [], n
        if batch.num_rows:
            group.append(batch)
            room -= batch.num_rows
    if group:
        yield group


def is_numeric(kind: Any) -> bool:
    types = arrow().types
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
    return any(test(kind) for test in tests)


def is_single(kind: Any) -> bool:
    types = arrow().types
    return bool(types.is_float32(kind) or types.is_float16(kind))


def numbers(chunks: list[Any], out: Array | None = None) -> Array:
    if out is None:
        out = np.empty(sum(map(len, chunks)))
    start = 0
    for chunk in chunks:
        decimal = arrow().types.is_decimal(chunk.type)
        values = chunk.cast("float64") if decimal else chunk
        out[start : start + len(chunk)] = values.to_numpy(zero_copy_only=False)
        start += len(chunk)
    return out


def labels_of(chunks: list[Any]) -> Array:
    """Classes as an array: strings as NumPy's, by way of their few different values."""
    pa = arrow()
    if pa.types.is_decimal(chunks[0].type):
        return numbers(chunks)
    column = pa.chunked_array(chunks)
    if is_text(column.type):
        column = column.dictionary_encode()
    if not pa.types.is_dictionary(column.type):
        return np.asarray(column.to_numpy())
    column = column.unify_dictionaries().combine_chunks()
    labels = column.dictionary.to_numpy(zero_copy_only=False)
    if is_text(column.type.value_type):
        labels = labels.astype(str)
    return np.asarray(labels[column.indices.to_numpy()])


def is_text(kind: Any) -> bool:
    types = arrow().types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
