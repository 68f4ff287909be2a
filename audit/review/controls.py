"""Hidden controls: rows whose right decision is known, mixed into the review to measure the reviewer."""

import numpy as np
import numpy.typing as npt

from audit.types import Controls, Issues, Labels, Mask, NoisyLabels, Rows


def choose(
    m: int,
    labels: NoisyLabels,
    judged: tuple[Issues, Issues],
    conflicts: Rows,
    rng: np.random.Generator,
) -> Controls:
    """Draw up to m labels that were changed on purpose and m trusted ones, at random places of the queue.

    A changed label is drawn whether or not the detector found it, but not where the original label is a
    suspect too: a row is shown once. A trusted label is flagged neither with nor without the noise.

    Parameters
    ----------
    m
        How many of each are wanted; all that qualify where there are fewer.
    labels
        The original labels and those with noise.
    judged
        The issues among the labels with noise, and among the original labels.
    conflicts
        Rows of duplicates with different labels, which are never controls.
    rng
        Draws rows and places.
    """
    issues, suspects = judged
    free = ~suspects.is_issue
    free[conflicts] = False
    injected = _draw(free & labels.flipped, m, rng)
    clean = _draw(free & ~labels.flipped & ~issues.is_issue, m, rng)
    rows = np.concatenate([injected, clean])
    return Controls(rows, np.arange(len(rows)) < len(injected), rng.random(len(rows)))


def mixed(shown: Rows, controls: Controls) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Insert the controls at their places among the rows shown.

    Returns the rows (m,), and which control each is (m,), -1 for none.
    """
    before = np.floor(controls.places * (len(shown) + 1)).astype(np.int64)
    order = np.argsort(controls.places, kind="stable")
    rows = np.insert(shown, before[order], controls.rows[order])
    which = np.insert(np.full(len(shown), -1), before[order], order)
    return rows, which


def as_shown(
    labels: NoisyLabels, issues: Issues, suspects: Issues, controls: Controls
) -> tuple[Labels, Labels]:
    """The label (n,) with which each row is shown to the reviewer, and the suggested one (n,)."""
    changed = controls.rows[controls.injected]
    given = labels.original.copy()
    given[changed] = labels.noisy[changed]
    suggested = suspects.suggested.copy()
    suggested[changed] = issues.suggested[changed]
    return given, suggested


def _draw(pool: Mask, m: int, rng: np.random.Generator) -> Rows:
    rows = np.flatnonzero(pool)
    return rng.choice(rows, min(m, len(rows)), replace=False)
