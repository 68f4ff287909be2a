"""Read a source again, to compare it with what a run saw of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.datasets.examples import in_one_form
from audit.datasets.source import Source
from audit.datasets.validation import hashes_of
from audit.types import Examples, Labels, Rows


@dataclass(frozen=True, eq=False)
class Reread:
    """All rows of a source as it is now, also those that a run left out."""

    source: Source
    codes: Labels  # (n,) class codes; NO_LABEL where there is none
    class_names: tuple[str, ...]
    ids: npt.NDArray[np.str_]  # (n,)

    def examples(self, rows: Rows) -> Examples:
        """Read the examples of these rows (m,), in the form that a run reads them in, and no others."""
        if self.source.X is None:
            return np.empty((len(rows), 0))
        unique, inverse = np.unique(rows, return_inverse=True)
        return in_one_form(self.source.X[unique], self.source.names[0])[inverse]

    def hashes(self, rows: Rows) -> npt.NDArray[np.uint64]:
        """The hash of the example of each of these rows (m,), as a run keeps it."""
        given = self.source.as_given
        return hashes_of(self.examples(rows), None if given is None else given[rows])


def reread(source: Source) -> Reread:
    """Parse the labels of a source anew; DataError when they are unreadable or do not fit the examples."""
    parsed = source.parsed_labels()
    n = len(parsed.codes)
    source.refuse_other_length(n)
    return Reread(source, parsed.codes, parsed.class_names, source.row_ids(n).astype(np.str_))
