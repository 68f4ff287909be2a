"""Draw a map of the data: rows that look alike to the models lie together, suspects are marked by kind."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audit.report.charts import Palette
from audit.report.kinds import kind_of_rows
from audit.runs.folder import RunRecord
from audit.types import KINDS, Rows, evenly_spaced

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKS = "osD^vPX*"  # of suspects without a kind, then of each kind
MOST_SUSPECTS = 500  # worst first
MOST_OTHERS = 1500  # spread evenly over the data
PERPLEXITY = 30
ITERATIONS = 500


@lru_cache(maxsize=1)
def places(record: RunRecord) -> tuple[Rows, npt.NDArray[np.float32]]:
    """Choose the rows of the map (m,), and compute the place of each (m, 2).

    t-SNE (van der Maaten and Hinton, 2008), started at the first two principal components, if there are two,
    of the features that models which never saw a row see in it.
    """
    from sklearn.manifold import TSNE  # noqa: PLC0415  slow to import

    assert record.probs.features is not None
    spread = evenly_spaced(len(record.ids), MOST_OTHERS)
    rows = np.union1d(record.suspects.ranking[:MOST_SUSPECTS], spread)
    seen = record.probs.features[rows].astype(np.float32)
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    start = "random"
    if seen.shape[1] > 1 and np.ptp(seen, axis=0).any():  # else there are no two components
        start = "pca"
    method = TSNE(init=start, perplexity=perplexity, max_iter=ITERATIONS, random_state=0)
    return rows, np.asarray(method.fit_transform(seen), dtype=np.float32)


def draw(record: RunRecord, palette: Palette, axes: "Axes") -> None:
    """Draw the rows as dots and the suspects with a mark for each kind; without kinds all have the same."""
    rows, positions = places(record)
    suspects = np.isin(rows, record.suspects.ranking)
    dots: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 0}
    axes.plot(*positions[~suspects].T, marker=".", markersize=2, color=palette.muted, alpha=0.5, **dots)
    number_of = {row: kind.number for row, kind in kind_of_rows(record).items()}
    number = np.array([number_of.get(row, -1) for row in rows.tolist()])
    for kind, (name, marker) in enumerate(zip(("suspect", *KINDS), MARKS, strict=True), start=-1):
        marked = suspects & (number == kind)
        if marked.any():
            label = f"{name} ({marked.sum():,})"
            axes.plot(
                *positions[marked].T, marker=marker, markersize=2.5, color=palette.accent, label=label, **dots
            )
    axes.set_axis_off()
    if suspects.any():
        axes.legend(
            frameon=False, labelcolor=palette.ink, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=6
        )
