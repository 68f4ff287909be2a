"""What gives the given label away: columns that are no features, and pixels that tell the class.

Labels are changed on purpose after the data was made, so a column that was made from the label tells the
changed labels as well as the others: the score looks good while real errors, which the column repeats, hide.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from audit import wording
from audit.datasets.examples import fingerprint
from audit.datasets.giveaways.columns import Column, columns_of
from audit.datasets.giveaways.findings import findings
from audit.datasets.giveaways.pixels import warning_of_pixels
from audit.datasets.giveaways.sampled_table import SampledTable
from audit.errors import DataError
from audit.events import optional
from audit.types import AsGiven, LabeledDataset, Rows

LEAST_ROWS = 20  # of fewer, a column tells the labels, or differs in every row, by chance


def without_giveaways(dataset: LabeledDataset, keep_columns: str | None = None) -> LabeledDataset:
    """Leave out the columns that cannot be features, and warn of what else may give the label away.

    Images keep all pixels. Where every column would go, all stay, with a warning.

    Parameters
    ----------
    dataset
        As it was read.
    keep_columns
        Names of columns, separated by commas, that stay whatever they look like.

    Raises
    ------
    DataError
        When there is no column of such a name.
    """
    if len(dataset.labels) < LEAST_ROWS or not dataset.X.shape[1]:
        return dataset
    missing: list[str] = []
    searched = dataset
    if dataset.are_images:
        with optional("the search for pixels that give the label away", missing.append):
            warning = warning_of_pixels(dataset.X, dataset.labels, dataset.class_names)
            searched = replace(dataset, cautions=(*dataset.cautions, *filter(None, [warning])))
    else:
        columns = columns_of(dataset.feature_names, dataset.X)
        keep = _names_in(keep_columns, columns, dataset.name)
        with optional("the search for columns that give the label away", missing.append):
            searched = _without_columns(dataset, columns, keep)
    return replace(searched, cautions=(*searched.cautions, *missing))


def _without_columns(
    dataset: LabeledDataset, columns: Sequence[Column], keep: Sequence[str]
) -> LabeledDataset:
    """A table without the columns that give its labels away, those to keep aside, and with its cautions."""
    found = findings(SampledTable.of(dataset.X, dataset.labels, columns), dataset.class_names)
    left_out = {name: why for name, why in found.left_out.items() if name not in keep}
    if len(left_out) == len(columns):
        left_out = {}
    kept = [_kept_line(name, why) for name, why in found.left_out.items() if name not in left_out]
    gone = _left_out_lines(left_out)
    cautious = replace(dataset, cautions=(*dataset.cautions, *gone, *found.warnings, *kept))
    return _without(cautious, [column for column in columns if column.name in left_out])


def _names_in(text: str | None, columns: Sequence[Column], data: str) -> list[str]:
    """The names in a list with commas; DataError for one that no column has."""
    known = [column.name for column in columns]
    if text is None or text in known:
        return [] if text is None else [text]
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise DataError(
                f"--keep-columns names {name!r}, expected columns of {data}: {wording.some(known)}; correct "
                "the name"
            )
    return names


def _kept_line(name: str, why: str) -> str:
    return f"column {name!r} stays, although {why}: errors in the label may be in the column too"


def _left_out_lines(reasons: Mapping[str, str]) -> list[str]:
    """A line for each column that is left out, with the reason; one for all columns of one reason."""
    names_of: dict[str, list[str]] = {}
    for name, why in reasons.items():
        names_of.setdefault(why, []).append(name)
    lines = []
    for why, names in names_of.items():
        what = f"column {names[0]!r} is"
        keep = f"--keep-columns {shlex.quote(names[0])} keeps it"
        if len(names) > 1:
            what = f"{len(names):,} columns ({wording.some([repr(name) for name in names])}) are"
            keep = "--keep-columns keeps those that it names"
        lines.append(f"{what} left out: {why}; {keep}")
    return lines


def _without(dataset: LabeledDataset, columns: Sequence[Column]) -> LabeledDataset:
    """The data set without these columns."""
    if not columns:
        return dataset
    gone = [place for column in columns for place in column.places]
    stay = np.setdiff1d(np.arange(dataset.X.shape[1]), gone)
    names = [column.name for column in columns]
    unlabelled = dataset.unlabelled
    if unlabelled is not None:
        unlabelled = replace(
            unlabelled,
            X=unlabelled.X[:, stay],
            as_given=_given_without(unlabelled.as_given, names, stay),
        )
    X = np.ascontiguousarray(dataset.X[:, stay])
    return replace(
        dataset,
        X=X,
        as_read=dataset,
        as_given=_given_without(dataset.as_given, names, stay),
        unlabelled=unlabelled,
        feature_names=tuple(dataset.feature_names[place] for place in stay.tolist() if dataset.feature_names),
        fingerprint=fingerprint(X, dataset.labels, dataset.class_names),
    )


def _given_without(given: AsGiven | None, names: Sequence[str], stay: Rows) -> AsGiven | None:
    """The examples as they came, without these columns either."""
    return None if given is None else given.without(names, stay)
