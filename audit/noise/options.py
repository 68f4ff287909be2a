"""A run's noise settings, as `inject` takes them: names of classes become numbers, files matrices."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from audit.errors import ConfigError
from audit.noise import check_options, inject
from audit.noise.transitions import read_matrix
from audit.settings.detect import Config
from audit.types import LabeledDataset, NoisyLabels

MOST_NAMES = 12  # that an error line lists


def check(config: Config) -> None:
    """Refuse noise settings that cannot be, before the data is read.

    Raises
    ------
    ConfigError
        For an unknown kind, an option that does not belong to it, or an unreadable matrix file.
    """
    kind = config.noise_kind
    check_options(
        kind,
        sampling=config.sampling,
        inclusive=config.inclusive,
        has_map=config.noise_map is not None,
        has_matrix=config.noise_matrix is not None,
    )
    if config.possible_values is not None and kind != "scramble":
        raise ConfigError(f"--possible-values belongs to --noise-kind scramble, found {kind}; leave one out")
    if config.noise_matrix is not None:
        read_matrix(config.noise_matrix)


def stage_settings(config: Config) -> dict[str, Any]:
    """Everything that decides the noisy labels; a matrix by the sha256 of its file, wherever that lies."""
    matrix = config.noise_matrix
    return {
        "noise": config.noise,
        "noise_kind": config.noise_kind,
        "noise_map": config.noise_map,
        "noise_matrix": None if matrix is None else hashlib.sha256(read_matrix(matrix)[1]).hexdigest(),
        "sampling": config.sampling,
        "inclusive": config.inclusive,
        "possible_values": config.possible_values,
        "seed": config.seed,
    }


def inject_into(
    dataset: LabeledDataset, config: Config, rng: np.random.Generator
) -> tuple[LabeledDataset, NoisyLabels]:
    """The noisy labels that the settings ask for, and the data set with all the classes they may name.

    Raises
    ------
    AuditError
        When the settings do not fit the data; the message says what to do.
    """
    if config.possible_values is not None:
        dataset = with_classes(dataset, names_in(config.possible_values))
    noisy = inject(
        dataset.labels,
        config.noise,
        config.noise_kind,
        k=len(dataset.class_names),
        rng=rng,
        X=dataset.X,
        sampling=config.sampling,
        inclusive=config.inclusive,
        class_map=None if config.noise_map is None else map_in(config.noise_map, dataset.class_names),
        matrix=None if config.noise_matrix is None else read_matrix(config.noise_matrix)[0],
    )
    return dataset, noisy


def names_in(text: str) -> list[str]:
    """The names in a list with commas, blanks around them dropped."""
    return [name.strip() for name in text.split(",") if name.strip()]


def map_in(text: str, class_names: Sequence[str]) -> dict[int, int]:
    """The class numbers of a map such as cat:dog,dog:cat; names hold neither comma nor colon.

    Raises
    ------
    ConfigError
        When an entry is no pair, names an unknown class, or a class has two images.
    """
    number = {name: label for label, name in enumerate(class_names)}
    found: dict[int, int] = {}
    for entry in names_in(text):
        pair = [name.strip() for name in entry.split(":")]
        if len(pair) != 2:
            raise ConfigError(f"--noise-map must be pairs of classes such as 0:1,1:0, found {entry!r}")
        for name in pair:
            if name not in number:
                raise ConfigError(
                    f"--noise-map names {name!r}, expected classes of the data: {_some(class_names)}"
                )
        source, target = (number[name] for name in pair)
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


def with_classes(dataset: LabeledDataset, names: Sequence[str]) -> LabeledDataset:
    """The data set with these classes too, sorted, as numbers if all are integers.

    Its fingerprint stays that of the data as it was read.

    Raises
    ------
    ConfigError
        When a class of the data is not among the names.
    """
    for name in dataset.class_names:
        if name not in names:
            raise ConfigError(
                f"--possible-values lacks {name!r}, which the labels contain; found {_some(names)}; add it"
            )
    union = sorted(set(names))
    if all(name.removeprefix("-").isdecimal() for name in union):
        union.sort(key=int)
    number = np.array([union.index(name) for name in dataset.class_names])
    return replace(dataset, labels=number[dataset.labels], class_names=tuple(union))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
