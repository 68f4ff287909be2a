"""Whether mirror images show the same classes, as those of most photographs do and those of digits do not."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from audit.training.model import Model
from audit.types import Examples, FoldResult, Labels, Probs, Rows, evenly_spaced

MOST_ROWS = 1000  # of each fold on which it is measured
LEAST_PROB = 1e-6
SURELY = 3.0  # standard errors by which the gain has to be above zero


def gains(
    model: Model, X: Examples, labels: Labels, rows: Rows, pred_probs: Probs
) -> npt.NDArray[np.float32]:
    """How much likelier the given labels get if a model sees the mirror images of its rows, too.

    The model has not been trained on mirror images, nor on these rows.

    Parameters
    ----------
    model
        A trained one.
    X
        Images (n, h, w, c).
    labels
        The given labels (n,).
    rows
        The rows (m,) of X that it predicts.
    pred_probs
        What it predicts for them (m, k).

    Returns
    -------
    npt.NDArray[np.float32]
        (q,) the log of the mean probability of an image and its mirror image, less that of the image alone.
    """
    chosen = evenly_spaced(len(rows), MOST_ROWS)
    sample = rows[chosen]
    mirrored = model.predict(np.ascontiguousarray(X[sample][:, :, ::-1]), np.arange(len(sample))).pred_probs
    given = (np.arange(len(sample)), labels[sample])
    alone = np.maximum(pred_probs[chosen][given], LEAST_PROB)
    both = (alone + np.maximum(mirrored[given], LEAST_PROB)) / 2
    return np.log(both / alone).astype(np.float32)


def decided(results: Collection[FoldResult]) -> tuple[bool, str]:
    """Whether mirror images help by the gains of all folds, and a line that says so, empty without gains."""
    of_folds = [result.mirror_gains for result in results if result.mirror_gains is not None]
    values = np.concatenate([np.zeros(0), *of_folds])
    if len(values) < 2:
        return False, ""
    gain = float(values.mean())
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    measured = f"changes the log-likelihood of a held-out label by {gain:+.3f} ± {error:.3f}"
    if gain > SURELY * error:
        return True, f"mirror images are trained on, too: seeing them {measured}"
    return False, f"mirror images are left out: seeing them {measured}"
