"""Blocks from files: what is read, in which order, and one sentence for what is wrong."""

import os
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from logreg import arrow_blocks, arrow_files
from logreg.arrow_blocks import ArrowBlocks

pa = pytest.importorskip("pyarrow")
ds = pytest.importorskip("pyarrow.dataset")
pq = pytest.importorskip("pyarrow.parquet")
csv = pytest.importorskip("pyarrow.csv")
feather = pytest.importorskip("pyarrow.feather")

N = 1000
RNG = np.random.default_rng(0)
AGE, DOSE = RNG.integers(20, 80, N), RNG.normal(size=N)
TABLE = pa.table(
    {
        "age": AGE,
        "dose": DOSE,
        "smoker": AGE % 3 == 0,
        "town": [("Ulm", "Bonn", "Köln")[k % 3] for k in AGE],
        "ill": (DOSE > 0).astype(np.int8),
        "times": (1 + AGE % 2).astype(np.float32),
    }
)
X = np.column_stack([AGE, DOSE, AGE % 3 == 0]).astype(float)
NUMBERS = ["age", "dose", "smoker"]


@pytest.fixture
def folder(tmp_path):
    """Three Parquet files of row groups of 100 rows, and what is no data."""
    for k, start in enumerate((0, 300, 500)):
        part = TABLE.slice(start, (300, 200, 500)[k])
        pq.write_table(part, tmp_path / f"part-{k}.parquet", row_group_size=100)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "README.txt").write_text("three parts")
    return tmp_path


def joined(blocks):
    return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


def assert_refused(words, call, error=ValueError):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value), str(caught.value)


def numbers_of(dataset, **options):
    return ArrowBlocks(dataset, target="ill", columns=NUMBERS, **options)


@pytest.fixture(params=["whole", "pieces"])
def way(request, monkeypatch):
    """The two ways to read Parquet."""
    if request.param == "pieces":
        monkeypatch.setattr(arrow_blocks, "LARGE_GROUP", 0)


# -- what is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 77, 100, 250, 1000, 5000])
@pytest.mark.usefixtures("way")
def test_blocks_have_the_rows_asked_for_in_the_order_of_the_files(folder, rows):
    blocks = list(numbers_of(folder, batch_rows=rows))
    sizes = [len(y) for _, y in blocks]
    assert sizes == [rows] * (N // rows) + [N % rows] * (N % rows > 0)
    assert all(x.flags.c_contiguous and x.dtype == np.float64 for x, _ in blocks)
    read, y = joined(blocks)
    assert_array_equal(read, X)
    assert_array_equal(y, TABLE["ill"])
    assert y.dtype == np.int8


@pytest.mark.usefixtures("way")
def test_every_pass_is_the_same(folder):
    blocks = numbers_of(folder, batch_rows=64, weight="times")
    first, second = list(blocks), list(blocks)
    one = iter(blocks)
    next(one)  # a pass that is not finished changes nothing
    for a, b, c in zip(first, second, blocks, strict=True):
        for left, middle, right in zip(a, b, c, strict=True):
            assert_array_equal(left, middle)
            assert_array_equal(left, right)


def write(table, path):
    ending = path.name.partition(".")[2]
    writer = {"parquet": pq.write_table, "csv": csv.write_csv, "feather": feather.write_feather}
    if ending == "csv.gz":
        with pa.output_stream(path, compression="gzip") as stream:
            csv.write_csv(table, stream)
    elif ending == "arrow":
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as file:
            file.write_table(table, max_chunksize=150)
    else:
        writer[ending](table, path)


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "feather", "arrow"])
def test_formats(tmp_path, ending):
    path = tmp_path / f"data.{ending}"
    write(TABLE, path)
    for given in (path, str(path), [path], tmp_path, ds.dataset([str(path)], format=_kind(path))):
        read, y, weight = joined(numbers_of(given, weight="times", batch_rows=300))
        assert_array_equal(read, X)
        assert_array_equal(y, TABLE["ill"])
        assert_array_equal(weight, TABLE["times"])
    assert weight.dtype == np.float64


def _kind(path):
    return arrow_files.kind_of(path.name)


def test_a_table_in_memory():
    assert_array_equal(joined(numbers_of(TABLE, batch_rows=300))[0], X)
    table = TABLE.set_column(0, "age", pa.array([None, *AGE[1:]]))
    assert_refused(["The table in memory", "'age' has 1 null"], lambda: list(numbers_of(table)))


@pytest.mark.usefixtures("way")
def test_only_the_columns_asked_for_are_read(folder):
    """The bytes of another column are spoilt: who reads it, fails."""
    path = folder / "part-1.parquet"
    column = pq.ParquetFile(path).metadata.row_group(0).column(3)
    assert column.path_in_schema == "town"
    content = bytearray(path.read_bytes())
    start = column.dictionary_page_offset
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)
    assert_array_equal(joined(numbers_of(folder))[0], X)
    assert_refused(
        ["part-1.parquet cannot be read"],
        lambda: list(ArrowBlocks(folder, target="town", columns=["age"])),
        (ValueError, OSError),
    )


def test_columns_by_default(tmp_path):
    frame = pd.DataFrame({"ill": [0, 1, 1], "b": [1.0, 2, 3], "w": [1.0, 1, 2], "a": [3, 2, 1]})
    frame.index = [5, 7, 9]  # pandas writes it as one more column
    frame.to_parquet(tmp_path / "a.parquet")
    blocks = ArrowBlocks(tmp_path, target="ill", weight="w")
    assert blocks.columns == blocks.feature_names == ["b", "a"]
    ((read, y, w),) = blocks
    assert_array_equal(read, [[1, 3], [2, 2], [3, 1]])
    assert_array_equal(y, [0, 1, 1])
    assert_array_equal(w, [1, 1, 2])


def test_types_of_numbers(tmp_path):
    table = pa.table(
        {
            "single": pa.array([1.5, 2.5], pa.float32()),
            "half": pa.array(np.array([1, 2], np.float16)),
            "whole": pa.array([3, 4], pa.uint16()),
            "exact": pa.array([1, 2]).cast(pa.decimal128(21, 2)),
            "y": [True, False],
        }
    )
    pq.write_table(table.drop_columns("half"), tmp_path / "a.parquet")
    ((read, y),) = ArrowBlocks(tmp_path, target="y")
    assert_array_equal(read, [[1.5, 3, 1], [2.5, 4, 2]])
    assert y.dtype == bool
    ((read, _),) = ArrowBlocks(table, target="y", columns=["single", "half"])
    assert read.dtype == np.float32
    ((_, y),) = ArrowBlocks(table, target="exact", columns=["single"])
    assert_array_equal(y, [1.0, 2.0])


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary"])
def test_classes_of_strings(tmp_path, kind):
    """Two files with other dictionaries."""
    for k, towns in enumerate((["Ulm", "Bonn", "Ulm"], ["Köln", "Ulm"])):
        column = pa.array(towns)
        to = None if kind == "dictionary" else getattr(pa, kind)()
        column = column.dictionary_encode() if to is None else column.cast(to)
        feather.write_feather(
            pa.table({"x": [1.0] * len(towns), "y": column}), tmp_path / f"{k}.feather"
        )
    ((_, y),) = ArrowBlocks(tmp_path, target="y")
    assert y.dtype.kind == "U"
    assert y.tolist() == ["Ulm", "Bonn", "Ulm", "Köln", "Ulm"]


@pytest.mark.usefixtures("way")
def test_partitions_are_columns(tmp_path):
    for year in (2023, 2024):
        for ill in ("no", "yes"):
            inside = tmp_path / f"year={year}" / f"ill={ill}"
            inside.mkdir(parents=True)
            pq.write_table(pa.table({"x": [1.0, float(year)]}), inside / "a.parquet")
    blocks = ArrowBlocks(tmp_path, target="ill")
    assert blocks.columns == ["x", "year"]
    ((read, y),) = blocks
    assert y.tolist() == ["no", "no", "yes", "yes"] * 2
    assert_array_equal(read[:, 1], [2023] * 4 + [2024] * 4)
    later = ArrowBlocks(tmp_path, target="ill", filter=ds.field("year") == 2024)
    assert_array_equal(joined(later)[0], read[4:])


@pytest.mark.usefixtures("way")
def test_types_may_differ_where_the_first_files_can_hold_them(tmp_path):
    pq.write_table(pa.table({"x": [1.5], "y": [0]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"y": pa.array([1], pa.int8()), "x": [2]}), tmp_path / "b.parquet")
    assert_array_equal(joined(ArrowBlocks(tmp_path, target="y"))[0], [[1.5], [2]])


@pytest.mark.usefixtures("way")
def test_no_rows(tmp_path):
    pq.write_table(TABLE.slice(0, 0), tmp_path / "a.parquet")
    assert list(numbers_of(tmp_path)) == []
    pq.write_table(TABLE, tmp_path / "b.parquet")
    pq.write_table(TABLE.slice(0, 0), tmp_path / "c.parquet")
    assert_array_equal(joined(numbers_of(tmp_path, batch_rows=400))[0], X)


def test_filter(folder):
    blocks = numbers_of(folder, filter=ds.field("town") != "Ulm", batch_rows=128)
    assert_array_equal(joined(blocks)[0], X[AGE % 3 != 0])


def test_rows_of_a_block_by_default():
    assert numbers_of(TABLE).batch_rows == 65536
    wide = pa.table({f"x{j}": [1.0] for j in range(1000)} | {"y": [1]})
    assert ArrowBlocks(wide, target="y").batch_rows == 2097  # 16 MB


# -- transform -------------------------------------------------------------------------------------


def test_transform_sparse(folder):
    encoder = OneHotEncoder().fit(TABLE.select(["town"]).to_pandas())
    blocks = ArrowBlocks(folder, target="ill", transform=encoder, batch_rows=300)
    assert blocks.columns == ["town"]  # what the encoder knows
    assert blocks.feature_names == ["town_Bonn", "town_Köln", "town_Ulm"]
    parts = [x for x, _ in blocks]
    assert all(sparse.issparse(x) for x in parts)
    want = encoder.transform(TABLE.select(["town"]).to_pandas())
    assert (sparse.vstack(parts) != want).nnz == 0


def test_transform_imputes(tmp_path):
    table = pa.table(
        {"age": [30, None, 50], "town": ["Ulm", None, "Bonn"], "when": [1, 2, 3], "ill": [0, 1, 1]}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    transform = make_column_transformer(
        (SimpleImputer(strategy="median"), ["age"]),
        (OneHotEncoder(handle_unknown="ignore"), ["town"]),
        sparse_threshold=0,
    ).fit(pd.DataFrame({"age": [20, 40], "town": ["Bonn", "Ulm"]}))
    ((read, _),) = ArrowBlocks(tmp_path, target="ill", transform=transform)
    assert_array_equal(read, [[30, 0, 1], [30, 0, 0], [50, 1, 0]])
    table = table.set_column(3, "ill", pa.array([0, None, 1]))
    pq.write_table(table, tmp_path / "a.parquet")
    blocks = ArrowBlocks(tmp_path, target="ill", transform=transform)
    assert_refused(["column 'ill' has 1 null", "row 1"], lambda: list(blocks))


def test_transform_is_checked(folder):
    given = {"target": "ill", "columns": ["age"]}
    assert_refused(
        ["transform is a StandardScaler that is not fitted yet"],
        lambda: ArrowBlocks(folder, **given, transform=StandardScaler()),
        NotFittedError,
    )
    for wrong in (StandardScaler, np.log):
        with pytest.raises(ValueError, match="must be a fitted transformer"):
            ArrowBlocks(folder, **given, transform=wrong)
    drops = ArrowBlocks(folder, **given, transform=FunctionTransformer(lambda x: x[:10]))
    assert drops.feature_names is None
    assert_refused(["FunctionTransformer made 10 rows of 1000"], lambda: list(drops))


# -- what is wrong with the names and types --------------------------------------------------------


def test_names_and_types(folder):
    def blocks(**given):
        return lambda: ArrowBlocks(folder, **({"target": "ill"} | given))

    assert_refused(["no column 'sick'", "'age', 'dose'"], blocks(target="sick", columns=["age"]))
    assert_refused(["no column 'a', 'b'. It has 'age'"], blocks(columns=["a", "dose", "b"]))
    assert_refused(["no column 'w'"], blocks(columns=["age"], weight="w"))
    assert_refused(["must be a list", "'age'"], blocks(columns="age"))
    assert_refused(["target 'ill'"], blocks(columns=["age", "ill"]))
    assert_refused(["'age' is there twice"], blocks(columns=["age", "age"]))
    assert_refused(["no columns for X"], blocks(columns=[]))
    assert_refused(["'town' has type string", "OneHotEncoder", "columns="], blocks())
    assert_refused(["'town' has type string", "Weights"], blocks(columns=["age"], weight="town"))
    assert_refused(["batch_rows must be at least 1, got 0"], blocks(columns=["age"], batch_rows=0))
    days = pa.table({"day": pd.date_range("2024-01-01", periods=2), "y": [[1], [2]]})
    assert_refused(["'day' has type timestamp"], lambda: ArrowBlocks(days, target="y"))
    assert_refused(
        ["'y' has type list", "Classes"],
        lambda: ArrowBlocks(days.append_column("x", [[1, 2]]), target="y", columns=["x"]),
    )


def test_paths(tmp_path):
    def open_it(path):
        return lambda: ArrowBlocks(path, target="y")

    assert_refused(
        ["no file or folder", "nowhere"], open_it(tmp_path / "nowhere"), FileNotFoundError
    )
    assert_refused(["no files of a known kind", ".parquet"], open_it(tmp_path))
    (tmp_path / "data.txt").write_text("x,y\n1,2\n")
    assert_refused(["unknown files", "format="], open_it(tmp_path / "data.txt"))
    write(TABLE, tmp_path / "a.csv")
    write(TABLE, tmp_path / "b.parquet")
    assert_refused(["csv and parquet files"], open_it(tmp_path))
    filtered = ds.dataset(tmp_path / "b.parquet").filter(ds.field("age") > 30)
    assert_refused(["has a filter of its own"], lambda: numbers_of(filtered))


# -- what is wrong with a file ---------------------------------------------------------------------


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("column", ["dose", "ill", "times"])
def test_nulls_are_refused_with_their_place(folder, column):
    part = TABLE.slice(500, 500)
    values = part[column].to_pylist()
    values[230] = values[270] = None
    j = TABLE.schema.names.index(column)
    part = part.set_column(j, column, pa.array(values, TABLE.schema.field(column).type))
    pq.write_table(part, folder / "part-2.parquet", row_group_size=100)
    blocks = numbers_of(folder, weight="times")
    words = ["part-2.parquet, row group 2", f"'{column}' has 2 nulls", "the first in row 230."]
    assert_refused([*words, "filter="], lambda: list(blocks))
    kept = numbers_of(folder, weight="times", filter=ds.field(column).is_valid())
    assert sum(len(y) for _, y, _ in kept) == 998
    other = numbers_of(folder, weight="times", filter=ds.field("town") != "Oslo")
    assert_refused(["row group 2", "that pass the filter"], lambda: list(other))


def test_nulls_in_csv(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1.5,0\n,1\n2.5,1\n")
    blocks = ArrowBlocks(tmp_path, target="y")
    assert_refused(["a.csv: column 'x' has 1 null", "first in row 1."], lambda: list(blocks))


def test_nan_is_left_to_the_estimator():
    table = pa.table({"x": [1.0, np.nan], "y": [0, 1]})
    ((read, _),) = ArrowBlocks(table, target="y")
    assert np.isnan(read[1, 0])


@pytest.mark.usefixtures("way")
def test_a_truncated_file(folder):
    path = folder / "part-1.parquet"
    path.write_bytes(path.read_bytes()[:-500])
    blocks = numbers_of(folder)
    assert_refused(["part-1.parquet cannot be read"], lambda: list(blocks), (ValueError, OSError))
    os.remove(folder / "part-0.parquet")
    assert_refused(
        ["part-1.parquet cannot be read"], lambda: numbers_of(folder), (ValueError, OSError)
    )


@pytest.mark.usefixtures("way")
def test_a_file_that_changes_or_goes_between_passes(folder):
    blocks = numbers_of(folder)
    list(blocks)
    pq.write_table(TABLE, folder / "part-1.parquet")
    assert_refused(["part-1.parquet has changed", "Make a new ArrowBlocks"], lambda: list(blocks))
    os.remove(folder / "part-1.parquet")
    assert_refused(
        ["part-1.parquet cannot be read: it is no longer there"], lambda: list(blocks), OSError
    )


@pytest.mark.usefixtures("way")
def test_files_that_differ(folder):
    pq.write_table(TABLE.drop_columns("dose"), folder / "part-1.parquet")
    blocks = numbers_of(folder)
    assert_refused(["part-1.parquet has no column 'dose'", "'age', 'smoker'"], lambda: list(blocks))
    words = TABLE.set_column(1, "dose", [["much"] * N])
    pq.write_table(words, folder / "part-1.parquet")
    blocks = numbers_of(folder)
    assert_refused(["part-1.parquet cannot be read", "double"], lambda: list(blocks))


def test_csv_whose_type_changes_on_the_way(tmp_path):
    lines = ["1,0"] * 400_000 + ["1.5,1"]
    (tmp_path / "a.csv").write_text("\n".join(["x,y", *lines]))
    blocks = ArrowBlocks(tmp_path, target="y")
    assert_refused(["a.csv cannot be read", "1.5"], lambda: list(blocks))


# -- the rest --------------------------------------------------------------------------------------


def test_repr(folder):
    scaler = StandardScaler().fit(TABLE.select(["age"]).to_pandas())
    blocks = ArrowBlocks(folder, target="ill", weight="times", transform=scaler, batch_rows=99)
    assert repr(blocks) == (
        "ArrowBlocks(3 files, 1 column, target='ill', weight='times', transform=StandardScaler, "
        "batch_rows=99)"
    )


def test_without_pyarrow(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'logreg\[arrow\]'"):
        ArrowBlocks("data.parquet", target="y")


def test_a_null_among_the_values_of_a_dictionary_is_a_null():
    values = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 0, 1, 2], pa.int32()), pa.array(["a", "b", None])
    )
    table = pa.table({"x": [1.0, 2, 3, 4, 5], "y": values})
    with pytest.raises(ValueError, match=r"column .y. has 1 null .* the first in row 4"):
        list(ArrowBlocks(table, target="y"))
