"""The noise settings of a run in the form that `inject` takes: class names become numbers, files matrices."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from audit import wording
from audit.datasets.labels.raw import class_called
from audit.datasets.majority import majority
from audit.errors import ConfigError
from audit.noise import check_options, flip
from audit.noise.from_examples import numbers_of
from audit.noise.transitions import read_matrix
from audit.settings.detect import Config
from audit.settings.noise import NoiseOptions, NoiseSettings
from audit.types import Examples, Floats, LabeledDataset, Labels, NoisyLabels, Rows, Votes

MOST_UNITS = 1.5  # labels in a group, on average, up to which groups are said to have one label
FROM_EXAMPLES = ("confusion", "instance")  # the kinds of noise that read examples
MOST_NAMES = 12  # that an error line lists


@dataclass(frozen=True, eq=False)
class ConfiguredNoise:
    """The noise that settings ask for, checked, with its matrix read from the file once."""

    settings: NoiseSettings
    options: NoiseOptions
    matrix: Floats | None = None  # (k, k)
    matrix_digest: str | None = None  # the sha256 of the file, wherever that lies

    @classmethod
    def of(cls, config: Config) -> "ConfiguredNoise":
        """Check the noise settings before any data is read, and read the matrix file.

        Raises
        ------
        ConfigError
            For an option that does not belong to the kind, or an unreadable matrix file.
        """
        settings, options = config.noise, config.noise_options
        kind = settings.noise_kind
        check_options(
            kind,
            sampling=options.sampling,
            inclusive=options.inclusive,
            has_map=options.noise_map is not None,
            has_matrix=settings.noise_matrix is not None,
        )
        if options.possible_values is not None and kind != "scramble":
            raise ConfigError(
                f"--possible-values belongs to --noise-kind scramble, found {kind}; leave one out"
            )
        if settings.noise_matrix is None:
            return cls(settings, options)
        matrix, content = read_matrix(settings.noise_matrix)
        return cls(settings, options, matrix, hashlib.sha256(content).hexdigest())

    def key_settings(self, config: Config) -> dict[str, Any]:
        """Everything that decides the noisy labels, as JSON can hold it; a matrix by its digest."""
        return {**config.deciding("noise"), "noise_matrix": self.matrix_digest}

    def widened(self, dataset: LabeledDataset) -> LabeledDataset:
        """The data set with all the classes that the settings name; ConfigError when they lack one."""
        if self.options.possible_values is None:
            return dataset
        return with_classes(dataset, names_in(self.options.possible_values))

    def inject_into(
        self, dataset: LabeledDataset, rng: np.random.Generator
    ) -> tuple[LabeledDataset, NoisyLabels]:
        """Flip labels as the settings ask; also returns the data set with all classes that they may name.

        In groups of one label each, such as the rows of a patient, all labels of a group change together, as
        real errors do there. Where several people gave labels, those of single people are flipped.

        Raises
        ------
        AuditError
            When the settings do not fit the data; the message says what to do.
        """
        dataset = self.widened(dataset)
        if dataset.votes is not None:
            return dataset, self._votes_flipped(dataset, dataset.votes, rng)
        first, unit = _units(dataset)
        X = dataset.X
        if self.settings.noise_kind in FROM_EXAMPLES:
            X = numbers_of(dataset)
        X = X[first] if len(first) < len(unit) else X
        noisy = self._flipped(dataset.labels[first], X, dataset.class_names, rng)
        if len(first) == len(unit):
            return dataset, noisy
        return dataset, NoisyLabels(noisy.noisy[unit], dataset.labels.copy(), noisy.transition)

    def _flipped(
        self, labels: Labels, X: Examples | None, class_names: Sequence[str], rng: np.random.Generator
    ) -> NoisyLabels:
        """Flip these labels (m,) of examples (m, …)."""
        noise_map = self.options.noise_map
        return flip(
            labels,
            self.settings.noise,
            self.settings.noise_kind,
            k=len(class_names),
            rng=rng,
            X=X,
            sampling=self.options.sampling,
            inclusive=self.options.inclusive,
            class_map=None if noise_map is None else map_in(noise_map, class_names),
            matrix=self.matrix,
        )

    def _votes_flipped(self, dataset: LabeledDataset, votes: Votes, rng: np.random.Generator) -> NoisyLabels:
        """Flip votes; a label changes to the majority of its row where flipped votes change that."""
        n, k = len(dataset.labels), len(dataset.class_names)
        X = numbers_of(dataset)[votes.rows] if self.settings.noise_kind in FROM_EXAMPLES else None
        labels = self._flipped(votes.labels, X, dataset.class_names, rng).noisy
        changed = replace(votes, labels=labels)
        touched = np.zeros(n, dtype=bool)
        touched[votes.rows[labels != votes.labels]] = True
        before, after = majority(votes, n, k), majority(changed, n, k)
        noisy = np.where(touched & (before != after), after, dataset.labels)
        return NoisyLabels(noisy, dataset.labels, votes=changed)


def _units(dataset: LabeledDataset) -> tuple[Rows, Rows]:
    """What changes together: the first row (u,) of each unit, and the unit of each row (n,)."""
    n = len(dataset.labels)
    alone = (np.arange(n), np.arange(n))
    if dataset.groups is None:
        return alone
    pairs = np.stack([dataset.groups, dataset.labels])
    of_one_label, first, unit = np.unique(pairs, axis=1, return_index=True, return_inverse=True)
    if of_one_label.shape[1] > MOST_UNITS * len(np.unique(dataset.groups)):
        return alone
    return first, unit


def names_in(text: str) -> list[str]:
    """Split a list with commas into names, without the blanks around them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def map_in(text: str, class_names: Sequence[str]) -> dict[int, int]:
    """Read a map of classes such as cat:dog,dog:cat as class numbers; names hold neither comma nor colon.

    Raises
    ------
    ConfigError
        When an entry is not a pair, names an unknown class, or a class twice.
    """
    found: dict[int, int] = {}
    for entry in names_in(text):
        pair = [name.strip() for name in entry.split(":")]
        if len(pair) != 2:
            raise ConfigError(f"--noise-map must be pairs of classes such as 0:1,1:0, found {entry!r}")
        source = _class_number(pair[0], class_names)
        target = _class_number(pair[1], class_names)
        if source == target:
            raise ConfigError(
                f"--noise-map sends the class {pair[0]!r} to itself, expected another; leave it out"
            )
        if source in found:
            raise ConfigError(
                f"--noise-map sends the class {pair[0]!r} to two classes, expected one; leave one out"
            )
        found[source] = target
    return found


def _class_number(name: str, class_names: Sequence[str]) -> int:
    name = class_called(name, class_names)
    if name not in class_names:
        listed = wording.some(class_names, MOST_NAMES)
        raise ConfigError(f"--noise-map names {name!r}, expected classes of the data: {listed}")
    return list(class_names).index(name)


def with_classes(dataset: LabeledDataset, names: Sequence[str]) -> LabeledDataset:
    """Add classes to a data set, all sorted, as numbers if all are integers.

    The fingerprint stays that of the data as it was read.

    Raises
    ------
    ConfigError
        When a class of the data is not among the names.
    """
    for name in dataset.class_names:
        if name not in names:
            found = wording.some(names, MOST_NAMES)
            raise ConfigError(
                f"--possible-values lacks {name!r}, which the labels contain; found {found}; add it"
            )
    union = sorted(set(names))
    if all(name.removeprefix("-").isdecimal() for name in union):
        union.sort(key=int)
    number = np.array([union.index(name) for name in dataset.class_names])
    votes = dataset.votes
    if votes is not None:
        votes = replace(votes, labels=number[votes.labels])
    return replace(dataset, labels=number[dataset.labels], class_names=tuple(union), votes=votes)
