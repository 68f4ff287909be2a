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
    """Up to m labels that were changed on purpose and m untouched ones, at random places of the queue.

    A changed one is drawn from all that were changed, found or not, but not from those whose label as it
    came is a suspect too: a row is shown once. A clean one is flagged neither with nor without the noise.

    Parameters
    ----------
    m
        How many of each are wanted; all that qualify where there are fewer.
    labels
        What was changed.
    judged
        What is said of the labels with noise, and of the labels as they came.
    conflicts
        Rows of duplicates with different labels, which are never controls.
    rng
        Draws rows and places.
    """
    issues, suspects = judged
    free = ~suspects.is_issue
    free[conflicts] = False
    pools: tuple[Mask, Mask] = (free & labels.flipped, free & ~labels.flipped & ~issues.is_issue)
    injected, clean = (_drawn(pool, m, rng) for pool in pools)
    rows = np.concatenate([injected, clean])
    return Controls(rows, np.arange(len(rows)) < len(injected), rng.random(len(rows)))


def mixed(shown: Rows, controls: Controls) -> tuple[Rows, npt.NDArray[np.int64]]:
    """The rows with the controls at their places, and which control each is, -1 for none; both (m,)."""
    before = np.floor(controls.places * (len(shown) + 1)).astype(np.int64)
    order = np.argsort(controls.places, kind="stable")
    rows = np.insert(shown, before[order], controls.rows[order])
    which = np.insert(np.full(len(shown), -1), before[order], order)
    return rows, which


def as_shown(
    labels: NoisyLabels, issues: Issues, suspects: Issues, controls: Controls
) -> tuple[Labels, Labels]:
    """The label (n,) that each row is shown with when it is reviewed, and the one that is suggested."""
    changed = controls.rows[controls.injected]
    given, suggested = labels.original.copy(), suspects.suggested.copy()
    given[changed], suggested[changed] = labels.noisy[changed], issues.suggested[changed]
    return given, suggested


def _drawn(pool: Mask, m: int, rng: np.random.Generator) -> Rows:
    rows = np.flatnonzero(pool)
    return rng.choice(rows, min(m, len(rows)), replace=False)
