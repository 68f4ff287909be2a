"""Known label noise: which labels change, and to what.

Every noise kind has a transition matrix T (k, k), T[i, j] = p(noisy = j | original = i). Most matrices follow
from the number of classes and the rate (`transitions`); two kinds read the examples (`from_examples`).
`sampling` draws the rows that change, and `options` takes all of this from a run's settings.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.labels import fit_to_columns
from audit.datasets.labels.no_label import names_in
from audit.errors import ConfigError
from audit.noise import from_examples, transitions
from audit.noise.sampling import other_class, rows_all_alike, rows_by_chance, rows_by_class
from audit.noise.transitions import BY_RATE, MatrixOfRate
from audit.settings.fields import is_share
from audit.settings.noise import has_rate
from audit.types import Floats, Labels, NoisyLabels, Rows

__all__ = ["NOISE_KINDS", "InjectedLabels", "check_options", "flip", "inject", "noise_kind"]

NOISE_KINDS = (*BY_RATE, "map", "matrix", "confusion", "instance")
SAMPLINGS = ("exact", "bernoulli")
INCLUSIVE_KINDS = ("symmetric", "stratified")


@dataclass(frozen=True, eq=False)
class InjectedLabels(NoisyLabels):
    """Noisy labels of the form in which labels were given, None where there is none."""

    codes: NoisyLabels = field(kw_only=True)  # the same of the rows that have a label, as numbers of classes
    class_names: tuple[str, ...] = field(kw_only=True)  # (k,)

    @property
    def expected(self) -> float | None:
        """The share of the original labels that T flips on average; None when T is not known."""
        return self.codes.expected


def inject(
    labels: Any,
    rate: float | None,
    kind: str = "symmetric",
    *,
    k: int | None = None,
    rng: np.random.Generator,
    X: npt.ArrayLike | None = None,
    sampling: str | None = None,
    inclusive: bool = False,
    class_map: Mapping[Any, Any] | None = None,
    matrix: npt.ArrayLike | None = None,
    missing: str | Iterable[Any] | None = None,
) -> NoisyLabels:
    """Flip labels on purpose, in exact numbers unless asked otherwise.

    If every class has the same probability to change, exactly round(rate * n) rows are drawn without
    replacement. If classes differ, an exact number is drawn from each (largest remainder). A drawn row gets a
    new class from its row of the transition matrix, without the diagonal.

    Parameters
    ----------
    labels
        (n,) labels in any form that `detect` takes; left untouched. The result has the same form. Missing
        labels stay missing.
    rate
        Probability that a label changes, 0 to 1; for map and asymmetric, that of the classes in the map.
        None for the kind matrix, whose matrix sets the rate.
    kind
        The noise kind, one of NOISE_KINDS; docs/noise.md defines them and names their sources.
    k
        Number of classes, which may exceed those present where labels are integers 0..k-1. Default: that
        of the classes present.
    rng
        Source of all randomness.
    X
        (n, …) the examples, for the kinds confusion and instance.
    sampling
        exact, or bernoulli: each row is drawn independently. Default: exact, except for instance, which
        always draws each label independently. stratified is always exact.
    inclusive
        For symmetric and stratified: draw the new label from all k classes, so that 1 in k of the drawn
        rows keeps its label.
    class_map
        For map: which class becomes which, as in {0: 1, 1: 0} or {"cat": "dog"}.
    matrix
        For matrix: T (k, k), rows sum to one, in the sorted order of the classes.
    missing
        Labels that mean "no label", such as "NA,-1".

    Raises
    ------
    ConfigError
        For an unknown kind, an option that does not belong to it, a rate outside 0 to 1, a wrong matrix
        or map, or fewer than two classes.
    DataError
        For labels that do not hold one class for each row, or examples that do not fit them.
    """
    check_options(
        kind,
        sampling=sampling,
        inclusive=inclusive,
        has_map=class_map is not None,
        has_matrix=matrix is not None,
    )
    _check_rate(kind, rate)
    if k is not None:
        _refuse_one_class(k)
    given = fit_to_columns(labels, "labels", k, names_in(missing), expected=f"k = {k}")
    if class_map is not None:
        code_of = {value: code for code, value in enumerate(given.values.tolist())}
        class_map = {code_of.get(old, old): code_of.get(new, new) for old, new in class_map.items()}
    labelled = given.labelled
    if X is not None and not labelled.all():
        X = np.asarray(X)[labelled]
    codes = flip(
        given.codes[labelled],
        rate,
        kind,
        k=len(given.values),
        rng=rng,
        X=X,
        sampling=sampling,
        inclusive=inclusive,
        class_map=class_map,
        matrix=matrix,
    )
    if given.class_names is None and labelled.all():
        return codes
    noisy = given.codes.copy()
    noisy[labelled] = codes.noisy
    return InjectedLabels(
        noisy=given.in_form(noisy),
        original=given.in_form(given.codes),
        transition=codes.transition,
        codes=codes,
        class_names=given.column_names,
    )


def flip(
    original: Labels,
    rate: float | None,
    kind: str,
    *,
    k: int,
    rng: np.random.Generator,
    X: npt.ArrayLike | None = None,
    sampling: str | None = None,
    inclusive: bool = False,
    class_map: Mapping[int, int] | None = None,
    matrix: npt.ArrayLike | None = None,
) -> NoisyLabels:
    """Flip class codes (n,), 0..k-1, as `inject` does; options that do not belong to the kind are ignored."""
    _refuse_one_class(k)
    if kind == "instance" and rate is not None:
        noisy, T = from_examples.instance(X, original, k, rate, rng)
        return NoisyLabels(noisy=noisy, original=original, transition=T)
    T, flip = _matrix_and_flip(kind, original, k, rate, X, class_map, matrix)
    rows = _rows_to_change(kind, original, flip, sampling, rng)
    noisy = original.copy()
    if inclusive and rate is not None:
        noisy[rows] = rng.integers(k, size=rows.size)
        T = transitions.symmetric_inclusive(k, rate)
    elif rows.size:
        noisy[rows] = other_class(original[rows], T, rng)
    return NoisyLabels(noisy=noisy, original=original, transition=T)


def noise_kind(name: str) -> MatrixOfRate:
    """Return the function (k, rate) -> T of a noise kind in BY_RATE; ConfigError for any other."""
    if name not in BY_RATE:
        raise ConfigError(f"the noise kind must be one of {', '.join(BY_RATE)}, found {name!r}")
    return BY_RATE[name]


def check_options(
    kind: str, *, sampling: str | None, inclusive: bool, has_map: bool, has_matrix: bool
) -> None:
    """Check, before any data is read, that the noise kind exists and that all options belong to it.

    Raises
    ------
    ConfigError
        With the option's flag and its argument.
    """
    if kind not in NOISE_KINDS:
        raise ConfigError(f"--noise-kind must be one of {', '.join(NOISE_KINDS)}, found {kind!r}")
    _check_sampling(kind, sampling)
    if inclusive and kind not in INCLUSIVE_KINDS:
        raise ConfigError(
            f"--inclusive lets a drawn label keep its class, expected with --noise-kind "
            f"{' or '.join(INCLUSIVE_KINDS)}, found {kind}, whose changed labels all change; leave it out"
        )
    for owner, found, give in (
        ("map", has_map, "--noise-map 0:1,1:0 (in Python class_map={0: 1, 1: 0})"),
        ("matrix", has_matrix, "--noise-matrix T.npy (in Python matrix=T)"),
    ):
        if kind == owner and not found:
            raise ConfigError(f"--noise-kind {owner} needs a {owner}; give one, as in {give}")
        if kind != owner and found:
            raise ConfigError(
                f"{give.split()[0]} belongs to --noise-kind {owner}, found {kind}; leave one out"
            )


def _refuse_one_class(k: int) -> None:
    if k < 2:
        raise ConfigError(f"label noise needs two classes or more, found {k}")


def _check_sampling(kind: str, sampling: str | None) -> None:
    if sampling not in (None, *SAMPLINGS):
        raise ConfigError(f"--sampling must be one of {', '.join(SAMPLINGS)}, found {sampling!r}")
    if kind == "instance" and sampling == "exact":
        raise ConfigError(
            "--sampling must be bernoulli for --noise-kind instance, found 'exact': every label is drawn "
            "from its own probabilities; leave it out"
        )
    if kind == "stratified" and sampling == "bernoulli":
        raise ConfigError(
            "--sampling must be exact for --noise-kind stratified, found 'bernoulli': it is an exact share "
            "of each class; leave it out or use --noise-kind symmetric"
        )


def _check_rate(kind: str, rate: float | None) -> None:
    if not has_rate(kind):
        if rate is not None:
            raise ConfigError(
                f"noise kind matrix takes no rate, since its matrix gives it; expected None, found {rate:g}"
            )
    elif rate is None:
        raise ConfigError(f"noise kind {kind} needs a rate, a share from 0 to 1, found None")
    elif not is_share(rate):
        raise ConfigError(f"the noise rate must be a share from 0 to 1, found {rate:g}")


def _matrix_and_flip(
    kind: str,
    original: Labels,
    k: int,
    rate: float | None,
    X: npt.ArrayLike | None,
    class_map: Mapping[int, int] | None,
    matrix: npt.ArrayLike | None,
) -> tuple[Floats, Floats]:
    """T (k, k), and the probability (k,) that a label of each class changes."""
    if rate is None:
        T = transitions.checked(matrix, k)
        return T, np.round(1 - np.diag(T), 12)  # else rounding errors would tell equal classes apart
    if kind == "map":
        T = transitions.mapped(k, rate, class_map or {})
    elif kind == "confusion":
        T = from_examples.confusion(X, original, k, rate)
    else:
        T = BY_RATE[kind](k, rate)
    return T, np.where(np.diag(T) < 1, rate, 0.0)


def _rows_to_change(
    kind: str, original: Labels, flip: Floats, sampling: str | None, rng: np.random.Generator
) -> Rows:
    if sampling == "bernoulli":
        return rows_by_chance(original, flip, rng)
    if kind == "stratified" or np.ptp(flip) > 0:
        return rows_by_class(original, flip, rng)
    return rows_all_alike(len(original), float(flip[0]), rng)
