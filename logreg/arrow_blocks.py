"""Blocks of rows from Parquet, CSV or Feather files that need not fit in memory, read by pyarrow.

pyarrow is an extra: ``pip install 'logreg[arrow]'``. Only what a pass needs is read: the columns
asked for, a row group (Parquet) or a batch ahead, always in the same order.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logreg.arrow_files import (
    arrow,
    blaming,
    check_stamp,
    check_transform,
    chosen_columns,
    fragments_of,
    groups_of,
    is_local,
    is_numeric,
    is_single,
    labels_of,
    numbers,
    open_dataset,
    path_of,
    stamp_of,
)
from logreg.blocks import ahead

Array = NDArray[Any]

BLOCK_BYTES, BLOCK_ROWS = 2**24, 65536  # of X: smaller for wide tables, as some are in flight
# pyarrow's scanner decodes whole row groups ahead of need, which is fast where they are small, but
# pandas and pyarrow write up to 2^20 rows in one. Those are read in pieces, at about two thirds of
# the speed: 50 columns of 2^20 rows took 0.28 GB, by scanner 1.0 GB.
LARGE_GROUP = 2**27  # bytes, decoded
BUFFER = 2**18  # bytes of a column chunk that are read at once


class ArrowBlocks:
    """Tables on disk as blocks ``(X, y)`` or ``(X, y, sample_weight)`` for `fit_blocks`.

    Each iteration reads all rows anew, file by file in the order of the dataset (in a folder: by
    path), and gives the same blocks. It needs the extra "arrow".

    Parameters
    ----------
    dataset : path, list of paths, pyarrow.dataset.Dataset or pyarrow.Table
        A file, a folder or several: Parquet, CSV (also .csv.gz), Feather, IPC or ORC by extension.
        Of a folder all files are taken that have such an extension and no ``.`` or ``_`` in front,
        and names like ``year=2024`` of folders inside it make columns (Hive's partitions).
    target : str
        The column of classes: numbers, booleans or strings.
    columns : list of str, optional
        Those of X, in this order; no others are read. If not given: those that `transform` was
        fitted on, or else all but target, weight and the index that pandas stores.
    weight : str, optional
        The column of row weights.
    transform : fitted transformer, optional
        Its ``transform`` gets each block's columns as a DataFrame and gives X, dense or sparse:
        what encodes text and dates, imputes or scales. Nulls in columns reach it as NaN or None.
    batch_rows : int, optional
        Rows of a block, but for the last. If not given: 65,536, or fewer such that X takes 16 MB.
    filter : pyarrow.dataset.Expression, optional
        Rows to keep, for example ``pyarrow.dataset.field("age") >= 18``.

    Attributes
    ----------
    columns : list of str
        The columns that are read for X.
    feature_names : list of str or None
        The columns of X; None where `transform` does not say.
    dataset : pyarrow.dataset.Dataset

    Raises
    ------
    ImportError
        Where pyarrow is not installed.
    ValueError
        For columns that are not there or, without `transform`, are no numbers. While reading: for
        nulls (NaN is left to `fit_blocks`), a file that is broken or lacks a column, or one that
        has changed since this object was made.
    OSError
        For a file that is lost or cut short.

    Notes
    -----
    X is float64, or float32 where all its columns are; integers above 2^53 and decimals are
    rounded. Row groups of more than 128 MB are read in pieces, unless there is a `filter`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from logreg.arrow_blocks import ArrowBlocks
    >>> data = pd.DataFrame({"age": [31, 45, 52], "dose": [0.5, 1.5, 1.0], "ill": [0, 1, 1]})
    >>> with TemporaryDirectory() as folder:
    ...     data.to_parquet(Path(folder) / "part-0.parquet")
    ...     blocks = ArrowBlocks(folder, target="ill", batch_rows=2)
    ...     print(blocks)
    ...     for X, y in blocks:
    ...         print(X.tolist(), y)
    ArrowBlocks(1 file, 2 columns, target='ill', batch_rows=2)
    [[31.0, 0.5], [45.0, 1.5]] [0 1]
    [[52.0, 1.0]] [1]
    """

    makes_new = True  # arrays for each block, that nobody changes

    def __init__(
        self,
        dataset: Any,
        *,
        target: str,
        columns: Sequence[str] | None = None,
        weight: str | None = None,
        transform: Any = None,
        batch_rows: int | None = None,
        filter: Any = None,
    ) -> None:
        pa = arrow()
        if transform is not None:
            check_transform(transform)
        self.dataset = open_dataset(dataset)
        self.target, self.weight, self.transform = target, weight, transform
        self.filter = filter
        there = self.dataset.schema
        self.columns = chosen_columns(there.names, columns, target, weight, transform)
        names = dict.fromkeys([*self.columns, target, *([weight] if weight else [])])
        self._schema = pa.schema([there.field(name) for name in names])
        self._check_types()
        if batch_rows is None:
            batch_rows = min(max(BLOCK_BYTES // (8 * len(self.columns)), 1), BLOCK_ROWS)
        if batch_rows < 1:
            raise ValueError(f"batch_rows must be at least 1, got {batch_rows}.")
        self.batch_rows = int(batch_rows)
        self.feature_names = self._feature_names()
        # What the first pass read, all others must: also pyarrow keeps what it knows of a file.
        self._stamps = [stamp_of(fragment) for fragment in fragments_of(self.dataset)]

    def __repr__(self) -> str:
        counts = [(len(self._stamps), "file"), (len(self.columns), "column")]
        said = [f"{n} {what}{'s' * (n != 1)}" for n, what in counts]
        said.append(f"target={self.target!r}")
        said += [f"weight={self.weight!r}"] if self.weight else []
        said += [f"transform={type(self.transform).__name__}"] if self.transform is not None else []
        said += ["filter=..."] if self.filter is not None else []
        return f"ArrowBlocks({', '.join(said)}, batch_rows={self.batch_rows})"

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for batches in groups_of(self.batch_rows, self._batches()):
            columns = {
                name: [batch.column(j) for batch in batches]
                for j, name in enumerate(self._schema.names)
            }
            X = self._table(columns) if self.transform is None else self._transformed(batches)
            block = (X, labels_of(columns[self.target]))
            yield (*block, numbers(columns[self.weight])) if self.weight else block

    # -- the door ----------------------------------------------------------------------------

    def _check_types(self) -> None:
        for name, field in zip(self._schema.names, self._schema, strict=True):
            advice = ""
            if name in self.columns and self.transform is None and not is_numeric(field.type):
                advice = (
                    "X needs numbers: leave it out by columns=, or encode it by a fitted "
                    "transformer, transform=OneHotEncoder().fit(...) or a ColumnTransformer."
                )
            elif name == self.weight and not is_numeric(field.type):
                advice = "Weights must be numbers."
            elif name == self.target and arrow().types.is_nested(field.type):
                advice = "Classes must be numbers, booleans or strings."
            if advice:
                raise ValueError(f"Column {name!r} has type {field.type}. {advice}")

    def _feature_names(self) -> list[str] | None:
        if self.transform is None:
            return self.columns
        try:
            return [str(name) for name in self.transform.get_feature_names_out(self.columns)]
        except (AttributeError, ValueError):  # it has no names, or none for these columns
            return None

    # -- a pass --------------------------------------------------------------------------------

    def _batches(self) -> Iterator[Any]:
        """All rows, as pyarrow gives them, free of nulls."""
        stamps = dict(stamp for stamp in self._stamps if stamp[1])
        for fragment in self.dataset.get_fragments(self.filter):
            path, row = path_of(fragment), 0
            with blaming(path):
                check_stamp(fragment, stamps)
                self._check_columns(fragment)
                for batch in self._read(fragment):
                    self._check_nulls(fragment, batch, row)
                    row += batch.num_rows
                    yield batch

    def _read(self, fragment: Any) -> Iterator[Any]:
        """The rows of a file in order, by pyarrow's scanner (whose batches "arrive in order":
        Arrow's dataset/scanner.h) or, where it would take too much memory, in pieces.
        """
        import pyarrow.dataset as ds

        options = None
        if isinstance(fragment, ds.ParquetFileFragment) and is_local(fragment):
            largest = max((group.num_rows for group in fragment.row_groups), default=0)
            if self.filter is None and 8 * largest * len(self._schema) > LARGE_GROUP:
                return ahead(self._pieces(fragment))
            # 0.12 GB for row groups of 21 MB; with pyarrow's own options 0.3 GB and no faster
            options = ds.ParquetFragmentScanOptions(
                use_buffered_stream=True, buffer_size=BUFFER, pre_buffer=False
            )
        batches: Iterator[Any] = fragment.to_batches(
            schema=self.dataset.schema,
            columns=self._schema.names,
            filter=self.filter,
            batch_size=self.batch_rows,
            batch_readahead=1,
            fragment_scan_options=options,
        )
        return batches

    def _pieces(self, fragment: Any) -> Iterator[Any]:
        """The rows of a Parquet file, of which no more is decoded than a batch."""
        import pyarrow.dataset as ds
        import pyarrow.parquet as pq

        pa = arrow()
        keys = ds.get_partition_keys(fragment.partition_expression)
        stored = [name for name in self._schema.names if name not in keys]
        groups = [group.id for group in fragment.row_groups]
        with pq.ParquetFile(fragment.open(), buffer_size=BUFFER, pre_buffer=False) as file:
            for batch in file.iter_batches(self.batch_rows, row_groups=groups, columns=stored):
                arrays = [
                    pa.repeat(pa.scalar(keys[field.name], field.type), batch.num_rows)
                    if field.name in keys
                    else batch.column(field.name).cast(field.type)
                    for field in self._schema
                ]
                yield pa.record_batch(arrays, schema=self._schema)

    def _check_columns(self, fragment: Any) -> None:
        import pyarrow.dataset as ds

        there = fragment.physical_schema.names
        known = {*there, *ds.get_partition_keys(fragment.partition_expression)}
        missing = [name for name in self._schema.names if name not in known]
        if missing:
            raise ValueError(
                f"{path_of(fragment)} has no column {missing[0]!r}, unlike the dataset. It has "
                f"{', '.join(map(repr, there))}. Leave the file out, or the column, by columns=."
            )

    def _check_nulls(self, fragment: Any, batch: Any, row: int) -> None:
        """`row` : the batch's first row in the file, or among those that pass the filter."""
        for name, column in zip(self._schema.names, batch.columns, strict=True):
            if arrow().types.is_dictionary(column.type) and column.dictionary.null_count:
                column = column.dictionary_decode()  # or a null among its values would not count
            needed = self.transform is None or name in (self.target, self.weight)
            if not needed or not column.null_count:
                continue
            first = row + column.is_null().index(True).as_py()
            group = self._row_group(fragment, first)
            what = "null" if column.null_count == 1 else "nulls"
            passed = "" if self.filter is None else " that pass the filter"
            where = "" if group is None else f", row group {group}"
            impute = ", or impute by a fitted transform=" if name in self.columns else ""
            raise ValueError(
                f"{path_of(fragment)}{where}: column {name!r} has {column.null_count} {what} in "
                f"rows {row} to {row + batch.num_rows - 1} of the file{passed}, the first in row "
                f"{first}. Drop such rows by filter=pyarrow.dataset.field({name!r}).is_valid()"
                f"{impute}."
            )

    def _row_group(self, fragment: Any, row: int) -> int | None:
        for group in fragment.split_by_row_group() if hasattr(fragment, "row_groups") else ():
            # without a filter, pyarrow 26's count_rows counts the whole file
            table = group.to_table(schema=self.dataset.schema, columns=[], filter=self.filter)
            row -= table.num_rows
            if row < 0:
                return int(group.row_groups[0].id)
        return None

    # -- a block -------------------------------------------------------------------------------

    def _table(self, columns: dict[str, list[Any]]) -> Array:
        """X by rows: by columns would be four times as fast to make, but several times as slow to
        multiply (65,536 x 50: 1.3 and 12.7 ms, by rows 5.6 and 2.3 ms).
        """
        n = sum(map(len, columns[self.target]))
        kinds = {is_single(self._schema.field(name).type) for name in self.columns}
        X = np.empty((n, len(self.columns)), np.float32 if kinds == {True} else np.float64)
        for j, name in enumerate(self.columns):
            numbers(columns[name], out=X[:, j])
        return X

    def _transformed(self, batches: list[Any]) -> Any:
        table = arrow().Table.from_batches(batches).select(self.columns)
        frame = table.unify_dictionaries().replace_schema_metadata().to_pandas()
        X = self.transform.transform(frame)
        if X.shape[0] != len(frame):
            raise ValueError(
                f"{type(self.transform).__name__} made {X.shape[0]} rows of {len(frame)}; a "
                "transform must keep the rows. Use filter= to drop some."
            )
        return X
