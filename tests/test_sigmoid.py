"""The sigmoid family against mpmath, at the edges, and with every kind of array."""

import importlib

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from logreg import log_sigmoid, log_softmax, logit, sigmoid, sigmoid_derivative, softmax

module = importlib.import_module("logreg.sigmoid")  # `logreg.sigmoid` itself is the function

ELEMENTWISE = [sigmoid, sigmoid_derivative, log_sigmoid, logit]
CURVES = [sigmoid, sigmoid_derivative, log_sigmoid]

few = settings(max_examples=60, deadline=None, derandomize=True)
finite = st.floats(-1e308, 1e308)
moderate = st.floats(-700, 700)


def exact(f, x):
    """f(x) by mpmath with 60 digits, as an mpf."""
    e = mpmath.exp(-abs(mpmath.mpf(float(x))))  # in (0, 1]: nothing cancels below
    if f is sigmoid:
        return (1 if x >= 0 else e) / (1 + e)
    if f is sigmoid_derivative:
        return e / (1 + e) ** 2
    if f is log_sigmoid:
        return min(mpmath.mpf(float(x)), 0) - mpmath.log1p(e)
    raise AssertionError(f)


def ulps(f, x, dtype=np.float64):
    """The errors of f on x in units of the true value's last place (5e-324 in the subnormals)."""
    with mpmath.workdps(60):
        truth = [exact(f, value) for value in x]
        got = f(np.asarray(x, dtype=dtype))
        assert got.dtype == dtype
        unit = np.spacing(np.array([abs(float(t)) for t in truth]).astype(dtype))
        return np.array(
            [
                float(abs(mpmath.mpf(float(g)) - t) / mpmath.mpf(float(u)))
                for g, t, u in zip(got, truth, unit, strict=True)
            ]
        )


def points(region):
    rng = np.random.default_rng(20240501)
    return {
        "everywhere": np.append(rng.uniform(-750, 750, 1500), np.arange(-750, 751, 5.0)),
        "middle": rng.uniform(-40, 40, 2000),
        "near zero": np.append(rng.normal(size=700), [0.0, -0.0, 5e-324, -1e-300, 1e-17, -1e-8]),
        "tiny": np.sign(rng.normal(size=300)) * 10.0 ** rng.uniform(-20, -1, 300),
        "subnormal tail": np.append(
            rng.uniform(-745.2, -708, 1000), np.linspace(-745.2, -708, 500)
        ),
        "edges": np.array([-745.13, -745.14, -709.79, -709.78, -709.0, -708.9, 36.7, 37, 709.79]),
    }[region]


REGIONS = ["everywhere", "middle", "near zero", "tiny", "subnormal tail", "edges"]


# -- accuracy ----------------------------------------------------------------------------------


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(("f", "most"), [(sigmoid, 2), (sigmoid_derivative, 3), (log_sigmoid, 3)])
def test_float64_is_accurate_to_a_few_units_in_the_last_place(f, most, region):
    x = points(region)
    error = ulps(f, x)
    worst = int(error.argmax())
    assert error[worst] <= most, f"{error[worst]:.2f} ULP at x = {x[worst]!r}"


@pytest.mark.parametrize("f", CURVES)
def test_float32_is_accurate_to_one_unit(f):
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.uniform(-105, 105, 500), rng.normal(size=500), [0, -103.9, 88.8]])
    x = x.astype(np.float32)
    error = ulps(f, x, np.float32)
    assert error.max() <= 1, f"at x = {x[error.argmax()]!r}"


def test_derivative_keeps_its_relative_accuracy_where_sigma_rounds_to_one():
    x = np.random.default_rng(5).uniform(37, 745, 1000)
    slope = sigmoid_derivative(x)
    assert (sigmoid(x) == 1).all()  # so s * (1 - s) is 0
    assert (slope > 0).all()
    assert ulps(sigmoid_derivative, x).max() <= 3
    assert_array_equal(sigmoid_derivative(-x), slope)


def test_a_nan_nearby_does_not_cost_the_subnormal_tail():
    assert_array_equal(sigmoid([-740.0, np.nan]), [sigmoid(-740.0), np.nan])


def test_logit_is_accurate_to_a_few_units():
    rng = np.random.default_rng(8)
    p = np.concatenate(
        [
            rng.uniform(size=1000),
            10.0 ** rng.uniform(-320, 0, 300),
            0.5 + rng.normal(size=200) / 1e4,
        ]
    )
    with mpmath.workdps(60):
        truth = [mpmath.log(mpmath.mpf(v) / (1 - mpmath.mpf(v))) for v in p.tolist()]
        error = [abs(mpmath.mpf(g) - t) for g, t in zip(logit(p).tolist(), truth, strict=True)]
        error = np.array([float(e) for e in error]) / np.spacing(np.abs(np.array(truth, float)))
    assert error.max() <= 4, f"at p = {p[error.argmax()]!r}"


# -- worked by hand, and the identities --------------------------------------------------------


def test_one_by_hand():
    # e^-1 = 0.36787944117 (any table); 1/1.36787944117 = 0.73105857863
    assert f"{sigmoid(1):.7f}" == "0.7310586"
    assert_allclose(sigmoid(1.0), 0.73105857863000487925, rtol=1e-15)  # mpmath 1.4, 20 digits


def test_five_numbers_by_hand():
    # 1/(1 + e^-x) by mpmath 1.4.1, mp.dps = 30, rounded to NumPy's eight digits
    assert str(sigmoid([0.15, 0.4, 0.5, 0.9, 0.2])) == (
        "[0.53742985 0.59868766 0.62245933 0.7109495  0.549834  ]"
    )


def test_values_at_zero():
    assert sigmoid(0.0) == 0.5
    assert sigmoid_derivative(0.0) == 0.25
    assert log_sigmoid(0.0) == -np.log(2)
    assert logit(0.5) == 0


@few
@given(arrays(np.float64, array_shapes(max_dims=3, max_side=6), elements=moderate))
def test_symmetry(x):
    assert_allclose(sigmoid(-x), 1 - sigmoid(x), rtol=0, atol=2.3e-16)
    assert_array_equal(sigmoid_derivative(-x), sigmoid_derivative(x))
    assert_allclose(sigmoid(x) * sigmoid(-x), sigmoid_derivative(x), rtol=2e-15, atol=5e-324)
    assert_allclose(log_sigmoid(x) - log_sigmoid(-x), x, rtol=1e-15, atol=1e-15)


@few
@given(arrays(np.float64, array_shapes(max_dims=2, max_side=8), elements=finite))
def test_ranges(x):
    assert ((sigmoid(x) >= 0) & (sigmoid(x) <= 1)).all()
    assert ((sigmoid_derivative(x) >= 0) & (sigmoid_derivative(x) <= 0.25)).all()
    assert (sigmoid_derivative(np.clip(x, -745, 745)) > 0).all()
    assert (log_sigmoid(x) <= 0).all()
    assert np.isfinite(log_sigmoid(x)).all()


@few
@given(st.floats(-700, 700), st.floats(1e-6, 10))
def test_sigmoid_rises(x, step):
    assert sigmoid(x + step) > sigmoid(x) or sigmoid(x) >= 1 - 1e-10


@few
@given(arrays(np.float64, 5, elements=st.floats(-30, 30)))
def test_logit_inverts(x):
    # a unit of σ(x) in its last place is worth eps e^x of x on the right
    assert (np.abs(logit(sigmoid(x)) - x) <= 1e-15 * (1 + np.abs(x) + np.exp(x))).all()
    assert_allclose(sigmoid(logit(sigmoid(x))), sigmoid(x), rtol=2e-15)


@few
@given(st.floats(0, 1))
def test_sigmoid_inverts_logit(p):
    assert_allclose(sigmoid(logit(p)), p, rtol=750 * 2.3e-16)


def test_derivative_is_the_slope():
    x = np.linspace(-6, 6, 49)
    h = 1e-5
    assert_allclose(sigmoid_derivative(x), (sigmoid(x + h) - sigmoid(x - h)) / (2 * h), rtol=1e-7)
    assert_allclose(np.tanh(x), 2 * sigmoid(2 * x) - 1, atol=1e-15)


# -- the edges of the number line ---------------------------------------------------------------


def test_limits():
    ends = np.array([-np.inf, -1e308, 1e308, np.inf])
    assert_array_equal(sigmoid(ends), [0, 0, 1, 1])
    assert_array_equal(sigmoid_derivative(ends), [0, 0, 0, 0])
    assert_array_equal(log_sigmoid(ends), [-np.inf, -1e308, 0, 0])
    assert_array_equal(logit([0, 1]), [-np.inf, np.inf])
    assert_array_equal(logit([-0.1, 1.1]), [np.nan, np.nan])


def test_smallest_subnormal():
    assert sigmoid(-745.13) == sigmoid_derivative(745.13) == 5e-324
    assert log_sigmoid(745.13) == -5e-324


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", [*ELEMENTWISE, softmax, log_softmax])
def test_nan_in_nan_out(f, dtype):
    got = f(np.array([np.nan, np.nan], dtype))
    assert np.isnan(got).all()
    assert got.dtype == dtype


@pytest.mark.parametrize("f", ELEMENTWISE)
def test_a_nan_stays_where_it_is(f):
    assert_array_equal(np.isnan(f([0.25, np.nan, 0.5])), [False, True, False])


@pytest.mark.parametrize("f", ELEMENTWISE)
def test_no_floating_point_error_even_where_numpy_is_told_to_raise(f):
    x = np.array([-np.inf, -3e38, -800, -745.1, -1, 0, 1, 36, 745.1, 800, 3e38, np.inf, np.nan])
    single = x.astype(np.float32)
    with np.errstate(all="raise"):
        assert f(np.append(x, [1e308, -1e308])).shape == (15,)
        assert f(single).dtype == np.float32


# -- every kind of array ------------------------------------------------------------------------


@pytest.mark.parametrize("f", ELEMENTWISE)
def test_scalars_come_back_as_scalars(f):
    for x in (0.25, np.float64(0.25), np.array(0.25)):
        assert isinstance(f(x), np.float64)
    assert isinstance(f(np.float32(0.25)), np.float32)
    assert f(0.25) == f([0.25])[0]


@pytest.mark.parametrize("f", ELEMENTWISE)
@pytest.mark.parametrize(
    "dtype", [bool, np.int8, np.uint64, np.int64, np.float16, np.longdouble, "O"]
)
def test_other_numbers_become_float64(f, dtype):
    x = np.array([0, 1, 1], dtype)
    assert f(x).dtype == np.float64
    assert_array_equal(f(x), f(np.array([0.0, 1.0, 1.0])))
    assert_array_equal(f([0, 1, 1]), f(x))


@pytest.mark.parametrize("f", ELEMENTWISE)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0, 2), (1,), (2, 3, 4, 5), ()])
def test_any_shape(f, shape):
    x = np.random.default_rng(0).uniform(size=shape)
    got = f(x)
    assert np.shape(got) == shape
    assert_array_equal(np.ravel(got), [f(v) for v in np.ravel(x)])


LAYOUTS = {
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "reversed": lambda x: x[::-1, ::-1][::-1, ::-1],
    "fortran": np.asfortranarray,
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "broadcast": lambda x: np.broadcast_to(x, (2, *x.shape))[1],
    "big-endian": lambda x: x.astype(">f8"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("f", [*ELEMENTWISE, softmax, log_softmax])
def test_any_layout(f, layout):
    x = np.random.default_rng(1).uniform(size=(7, 5))
    assert_allclose(f(LAYOUTS[layout](x)), f(x), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", [*ELEMENTWISE, softmax, log_softmax])
def test_input_may_be_read_only_and_is_never_changed(f, dtype):
    x = np.random.default_rng(2).uniform(size=(6, 4)).astype(dtype)
    before = x.copy()
    x.setflags(write=False)
    f(x)
    assert_array_equal(x, before)


@pytest.mark.parametrize("f", ELEMENTWISE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_of_several_blocks_are_as_their_pieces(f, dtype, monkeypatch):
    x = np.random.default_rng(4).uniform(0.01, 0.99, 5 * module.BLOCK + 123).astype(dtype)
    pieces = [f(x[a : a + module.BLOCK]) for a in range(0, x.size, module.BLOCK)]
    for threads in (1, 3):
        monkeypatch.setattr(module, "thread_count", lambda n=threads: n)
        assert_array_equal(f(x), np.concatenate(pieces))
        assert_array_equal(f(x.reshape(-1, 1)[:, 0]), f(x))


@pytest.mark.parametrize("f", [*ELEMENTWISE, softmax, log_softmax])
def test_complex_numbers_are_refused(f):
    with pytest.raises(TypeError, match="real numbers, got complex128"):
        f(np.array([1 + 1j, 2]))


# -- out= ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [5, 300_000])
def test_in_place(dtype, size):
    x = np.random.default_rng(6).uniform(-800, 800, size).astype(dtype)
    want = sigmoid(x)
    assert sigmoid(x, out=x) is x
    assert_array_equal(x, want)


def test_in_place_fortran_order():
    x = np.asfortranarray(np.random.default_rng(6).normal(size=(30, 7)))
    want = sigmoid(x)
    assert sigmoid(x, out=x) is x
    assert_array_equal(x, want)


def test_into_a_strided_out():
    x = np.random.default_rng(6).normal(size=(30, 7))
    store = np.full((30, 14), -1.0)
    out = store[:, ::2]
    assert sigmoid(x, out=out) is out
    assert_array_equal(store[:, ::2], sigmoid(x))
    assert (store[:, 1::2] == -1).all()  # the gaps are untouched
    reverse = np.empty(30)
    sigmoid(x[:, 0], out=reverse[::-1])
    assert_array_equal(reverse[::-1], sigmoid(x[:, 0]))


def test_into_a_zero_dimensional_out():
    out = np.empty(())
    assert sigmoid(1.0, out=out) == sigmoid(1.0)
    assert out == sigmoid(1.0)


def test_out_may_overlap_the_input():
    x = np.linspace(-5, 5, 300_000)
    want = sigmoid(x[:-1])
    sigmoid(x[:-1], out=x[1:])
    assert_array_equal(x[1:], want)


@pytest.mark.parametrize(
    ("out", "got"),
    [
        (np.empty(3), r"float64 \(3,\)"),
        (np.empty((1, 2)), r"float64 \(1, 2\)"),
        (np.empty(2, np.float32), r"float32 \(2,\)"),
        (np.empty(2, int), r"int64 \(2,\)"),
        ([0.0, 0.0], "list"),
    ],
)
def test_wrong_out(out, got):
    with pytest.raises(
        ValueError, match=r"out must be a float64 array of shape \(2,\), got " + got
    ):
        sigmoid([1.0, 2.0], out=out)


def test_read_only_out():
    out = np.zeros(2)
    out.setflags(write=False)
    with pytest.raises(ValueError, match="read-only"):
        sigmoid([1.0, 2.0], out=out)
    assert not out.any()


# -- softmax --------------------------------------------------------------------------------------


@few
@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=finite))
def test_softmax_adds_up_to_one(x):
    p = softmax(x)
    assert (p >= 0).all()
    assert_allclose(p.sum(axis=1), 1, rtol=1e-15)
    assert_allclose(softmax(x, axis=0).sum(axis=0), 1, rtol=1e-15)


@few
@given(
    arrays(np.float64, 4, elements=st.integers(-400, 400).map(float)), st.integers(-(10**6), 10**6)
)
def test_softmax_does_not_change_with_a_shift(x, shift):
    assert_array_equal(softmax(x + shift), softmax(x))
    assert_array_equal(log_softmax(x + shift), log_softmax(x))


@few
@given(moderate)
def test_softmax_of_two_classes_is_the_sigmoid(m):
    assert_allclose(softmax([0.0, m])[1], sigmoid(m), rtol=5e-16)
    assert_allclose(softmax([0.0, m])[0], sigmoid(-m), rtol=5e-16)


@few
@given(arrays(np.float64, (2, 3), elements=st.floats(-300, 300)))
def test_log_softmax_is_the_logarithm(x):
    assert_allclose(np.exp(log_softmax(x)), softmax(x), rtol=1e-13)
    assert_allclose(log_softmax(x, axis=0), log_softmax(x.T).T)


def test_softmax_by_hand():
    # e^(0, 1, 2) = 1, 2.718281828, 7.389056099; their sum is 11.107337927
    assert_allclose(
        softmax([0, 1, 2]),
        [0.09003057317038046, 0.24472847105479764, 0.6652409557748218],
        rtol=1e-15,
    )
    assert_allclose(softmax(np.zeros((2, 3, 4)), axis=1), 1 / 3)


def test_softmax_at_infinity():
    inf = np.inf
    assert_array_equal(softmax([0, inf, 1]), [0, 1, 0])
    assert_array_equal(softmax([inf, inf, 5, -inf]), [0.5, 0.5, 0, 0])
    assert_array_equal(softmax([-inf, -inf]), [0.5, 0.5])
    assert_array_equal(softmax([-inf, 0]), [0, 1])
    assert_array_equal(log_softmax([-inf, 0]), [-inf, 0])
    assert_array_equal(log_softmax([inf, 0]), [0, -inf])
    assert_array_equal(softmax([1e308, -1e308]), [1, 0])
    assert_array_equal(softmax([[0, np.nan], [0, 0]]), [[np.nan, np.nan], [0.5, 0.5]])


def test_log_softmax_is_finite_far_out():
    assert_array_equal(log_softmax([0.0, -1000.0]), [0, -1000])
    assert np.isfinite(log_softmax([0.0, 1e307, -1e307])).all()


@pytest.mark.parametrize("f", [softmax, log_softmax])
def test_softmax_of_no_rows(f):
    assert f(np.empty((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("f", [softmax, log_softmax])
def test_softmax_keeps_float32(f):
    x = np.random.default_rng(0).normal(size=(40, 5)) * 10
    assert f(x.astype(np.float32)).dtype == np.float32
    assert f([1, 2, 3]).dtype == np.float64
    assert_allclose(f(x.astype(np.float32)), f(x), rtol=2e-5, atol=2e-7)


@pytest.mark.parametrize("f", [softmax, log_softmax])
def test_softmax_in_float32_is_accurate_to_one_unit(f):
    x = (np.random.default_rng(0).normal(size=(500, 5)) * 10).astype(np.float32)
    want = f(x.astype(np.float64))
    error = np.abs(f(x) - want) / np.spacing(np.abs(want).astype(np.float32))
    assert error.max() <= 1


@pytest.mark.parametrize("m", [20.0, 40.0, 300.0])
def test_log_softmax_of_two_classes_is_the_log_sigmoid(m):
    assert_allclose(log_softmax([0.0, m]), [log_sigmoid(-m), log_sigmoid(m)], rtol=1e-14)


@pytest.mark.parametrize(("f", "value"), [(softmax, 1.0), (log_softmax, 0.0)])
def test_softmax_of_a_scalar(f, value):
    assert np.shape(f(3.0)) == ()
    assert f(3.0) == value


@pytest.mark.parametrize("f", [softmax, log_softmax])
def test_softmax_of_no_classes(f):
    assert f(np.empty((3, 0))).shape == (3, 0)


@pytest.mark.parametrize("f", [softmax, log_softmax])
def test_softmax_never_raises_floating_point_errors(f):
    with np.errstate(all="raise"):
        assert f([-800.0, 0.0, 1.0]).shape == (3,)
