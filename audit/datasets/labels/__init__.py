"""Labels of any form: `parse` is the one door through which every label enters, from files and from Python.

`raw` takes them out of their container, `parsing` makes class codes of them, `columns` fits those to the
columns of predicted probabilities, `no_label` says which classes may mean that there is no label.
"""

from audit.datasets.labels.columns import ColumnLabels, fit_to_columns
from audit.datasets.labels.no_label import looks_unlabelled
from audit.datasets.labels.parsing import ParsedLabels, parse
from audit.datasets.labels.raw import NO_LABEL

__all__ = ["NO_LABEL", "ColumnLabels", "ParsedLabels", "fit_to_columns", "looks_unlabelled", "parse"]
