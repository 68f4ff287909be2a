"""`audit inject`: a copy of a data set with known defects and label noise, and the ground truth."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from audit import datasets
from audit.errors import ConfigError, DataError
from audit.kinds.defects.insert import INSERTED_KINDS, Inserted, insert
from audit.noise.options import ConfiguredNoise
from audit.runs.files import new_folder, write_whole
from audit.runs.tables import csv_text
from audit.settings.detect import Config
from audit.settings.inject import InjectSettings
from audit.types import KINDS, LabeledDataset, NoisyLabels, Seeds

ALL = "all"


@dataclass(frozen=True, eq=False)
class Injected:
    """A data set with known defects and label noise."""

    dataset: LabeledDataset
    labels: NoisyLabels
    inserted: Inserted  # the defects

    @property
    def kind(self) -> list[str]:
        """The name of the kind (n,) of every row; a row whose label was flipped is mislabelled."""
        kinds = np.array(KINDS)[self.inserted.kind]
        kinds[self.labels.flipped] = "mislabelled"
        return [str(kind) for kind in kinds]


def shares_in(text: str) -> dict[str, float]:
    """Parse the share of each kind from text such as all:0.01 or ambiguous:0.01,off-topic:0.02.

    Raises
    ------
    ConfigError
        When it names another kind, or a value that is not a share.
    """
    shares: dict[str, float] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        kind, _, number = (part.strip() for part in entry.rpartition(":"))
        try:
            share = float(number)
        except ValueError:
            share = np.nan
        if kind not in (ALL, *INSERTED_KINDS) or not 0 <= share <= 1:
            raise ConfigError(
                f"--defects must be kinds with shares such as all:0.01 or ambiguous:0.01,off-topic:0.02 (of "
                f"{', '.join(INSERTED_KINDS)}), found {entry!r}"
            )
        kinds = INSERTED_KINDS if kind == ALL else (kind,)
        shares |= dict.fromkeys(kinds, share)
    return shares


def inject_defects(dataset: LabeledDataset, config: Config, settings: InjectSettings) -> Injected:
    """Inject label noise into a data set, and defects into rows whose labels were not flipped.

    Raises
    ------
    AuditError
        When the settings are wrong, or do not fit the data.
    """
    if dataset.are_texts:
        raise DataError(
            f"{dataset.name} holds texts, expected images or features, which inject writes as X.npy; inject "
            "into such, or measure the audit of texts with audit detect --noise"
        )
    shares = shares_in(settings.defects)
    counts = {kind: round(share * len(dataset.labels)) for kind, share in shares.items()}
    counts = {kind: count for kind, count in counts.items() if count}
    seeds = Seeds.of(config.run.seed)
    dataset, labels = ConfiguredNoise.of(config).inject_into(dataset, np.random.default_rng(seeds.noise))
    free = np.flatnonzero(~labels.flipped)
    needed = sum(counts.values()) + counts.get("duplicate", 0)  # the rows that duplicates copy
    if needed > len(free):
        raise ConfigError(
            f"--defects asks for {needed:,} rows, expected {len(free):,} or fewer; lower the shares"
        )
    other = None if settings.other is None else _other(dataset, config, settings.other)
    rng = np.random.default_rng(seeds.planting)
    inserted = insert(replace(dataset, labels=labels.noisy), counts, rng, free=free, other=other)
    original = np.where(labels.flipped, labels.original, inserted.labels)
    return Injected(
        replace(dataset, X=inserted.X, labels=inserted.labels),
        NoisyLabels(noisy=inserted.labels, original=original),
        inserted,
    )


def _other(dataset: LabeledDataset, config: Config, name: str) -> np.ndarray:
    """Load the images of another data set, which must have the same size."""
    X = datasets.load_as_read(Config.of(name, seed=config.run.seed)).X
    if X.shape[1:] != dataset.X.shape[1:] or X.ndim != 4:
        raise DataError(
            f"--other {name} holds examples of {X.shape[1:]}, expected images of {dataset.X.shape[1:]} as in "
            "the data; give another, or leave it out"
        )
    return X


def write(injected: Injected, path: Path) -> list[Path]:
    """Write X.npy, y.npy and truth.csv into a new folder, all or none; returns their paths."""
    import pandas as pd  # noqa: PLC0415  slow to import

    names = np.array(injected.dataset.class_names)
    if all(name.isdecimal() for name in names.tolist()):
        names = names.astype(np.int64)
    truth = pd.DataFrame(
        {
            "row": np.arange(len(names[injected.labels.noisy])),
            "kind": injected.kind,
            "defect": injected.inserted.defect,
            "given": names[injected.labels.noisy],
            "true": names[injected.labels.original],
            "made_of": injected.inserted.sources[:, 0],
            "and_of": injected.inserted.sources[:, 1],
        }
    )
    with new_folder(path) as stage:
        write_whole(stage / "X.npy", lambda file: np.save(file, injected.dataset.X, allow_pickle=False))
        write_whole(
            stage / "y.npy", lambda file: np.save(file, names[injected.labels.noisy], allow_pickle=False)
        )
        write_whole(stage / "truth.csv", csv_text(truth).encode())
    return [path / name for name in ("X.npy", "y.npy", "truth.csv")]


def inject_spec(config: Config, settings: InjectSettings) -> tuple[Injected, list[Path]]:
    """Inject defects and noise into the data set that the settings name, and write it to its folder."""
    ConfiguredNoise.of(config)
    out = config.run.out
    if out is None:
        raise ConfigError("audit inject needs a new folder to write the data set to; give --out FOLDER")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is not empty; choose a new folder with --out")
    injected = inject_defects(datasets.load_as_read(config), config, settings)
    return injected, write(injected, out)
