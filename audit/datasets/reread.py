"""A source as it is now, to compare with what a run saw of it; examples are read row by row."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.datasets import labels as label_forms
from audit.datasets.examples import in_one_form
from audit.datasets.source import Source
from audit.errors import DataError
from audit.types import Examples, Labels, Rows

NO_LABEL = label_forms.MISSING


@dataclass(frozen=True, eq=False)
class Reread:
    """All rows of a source, also those that a run left out."""

    source: Source
    codes: Labels  # (n,) numbers of class_names; NO_LABEL where there is none
    class_names: tuple[str, ...]
    ids: npt.NDArray[np.str_]  # (n,)

    def examples(self, rows: Rows) -> Examples:
        """The examples of these rows, in the form that a run reads them in; nothing else is read."""
        X = np.empty((len(self.codes), 0)) if self.source.X is None else self.source.X
        unique, back = np.unique(rows, return_inverse=True)
        return in_one_form(np.asarray(X[unique]), self.source.names[0])[back]


def reread(source: Source) -> Reread:
    """The labels of a source anew; DataError when they cannot be read or do not fit the examples."""
    parsed = label_forms.parse(source.y, source.names[1], source.class_names)
    n = len(parsed.codes)
    if source.X is not None and len(source.X) != n:
        raise DataError(
            f"{source.names[1]} has {n:,} entries but {source.names[0]} has {len(source.X):,} rows; "
            "there must be one label for each row, in the same order"
        )
    ids = np.arange(n) if source.ids is None else np.asarray(source.ids)
    return Reread(source, parsed.codes, parsed.class_names, ids.astype(np.str_))
