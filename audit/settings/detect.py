"""The settings of a run: one frozen dataclass from which flags, environment and files take theirs."""

import shlex
from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, fields
from numbers import Integral, Real
from pathlib import Path
from types import MappingProxyType
from typing import Any

from audit.errors import ConfigError
from audit.settings.choices import DEFAULT_TRUTH, kinds_in

DEFAULT_NOISE = 0.1
LEAST_REPORT_MB = 0.5  # plots, tables and script take most of it
LEAST = {
    "limit": 1,
    "min_class_size": 1,
    "seed": 0,
    "folds": 2,
    "rounds": 1,
    "repeats": 1,
    "epochs": 1,
    "jobs": 1,
    "controls": 0,
}
CHOICES = {
    "preset": ("fast", "default", "thorough"),
    "augment": ("none", "shift", "affine"),
    "truth": ("consensus", "process"),
    "device": ("auto", "cpu", "cuda", "mps"),
    "kinds_of": ("suspects", "all"),
}


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes.

    Parameters
    ----------
    data
        A bundled data set, a file, a folder of images or openml:NAME; audit datasets lists them all.
    X
        Images (n, h, w), (n, h, w, c) or (n, c, h, w), or features (n, d), as an .npy or IDX file; instead
        of DATA, with --y.
    y
        Labels (n,) as an .npy or IDX file; with --X.
    x_name
        What the examples are called in an .npz or HDF5 file, when it is not X or images.
    y_name
        What the labels are called there, when it is not y or labels.
    label_column
        The column of a table that holds the labels, when it is not called label, y, target or class.
    path_column
        The column of a table that holds the paths of images, when it is not called path, file or image.
    split
        The column of a table that says which part a row is in, such as train or test; rows that stand in
        more than one part are listed.
    skip_broken
        Leave out images that cannot be read, and list them, instead of stopping.
    limit
        Audit only this many rows: a stratified sample drawn with the seed.
    min_class_size
        Leave out classes of fewer examples.
    noise
        Share of the labels to change on purpose, 0 to 1; 0 audits the labels as they are. 0.1 when not
        given; not for the kind matrix, whose matrix says it.
    noise_kind
        How labels are changed: symmetric (to any other class), stratified (the same, an exact share of
        each class), scramble (the same, with --possible-values), pair (to the next class), asymmetric
        (digits to digits that look alike), map (--noise-map), matrix (--noise-matrix), confusion (to
        what a weak model takes them for) or instance (as each image suggests).
    noise_map
        For the kind map: which class turns into which, by name, as in 0:1,1:0.
    noise_matrix
        For the kind matrix: a .npy or .csv file, a row and a column for each class in sorted order, row
        i the probabilities of every given label for class i.
    sampling
        exact (exact numbers of labels change) or bernoulli (each label by itself); exact when not given,
        but for the kind instance, which is always drawn label by label.
    inclusive
        The new label is drawn from all classes, so that some keep their label; for symmetric and
        stratified.
    possible_values
        For the kind scramble: all classes that a label may turn into, by name with commas, also some
        that no label has.
    seed
        Seed of everything random: sample, noise, folds, training, bootstrap.
    folds
        Folds of the cross-validation.
    preset
        How much work to spend: fast (one round), default (two rounds) or thorough (three rounds, the
        last one twice, with a wider network and more epochs).
    rounds
        Cross-validations in a row, each trained without the suspects of the one before; the preset's when
        not given.
    repeats
        Repeats of the last round on other folds, averaged; the preset's when not given.
    model
        auto (the network for images; boosting, or a linear model for few rows, for features), cnn, linear,
        boosting, or package.module:build for a function of your own that makes a classifier.
    balance
        Let every class weigh the same in training, however few examples it has.
    pred_probs
        Out-of-sample probabilities of your own, (n, k) as an .npy, .npz or .csv file, columns in the sorted
        order of the classes; nothing is trained then, and no noise injected.
    epochs
        Passes over the training rows in each fold of the last round; when not given the preset's, or more
        for few rows.
    augment
        How training images are changed at random: none, shift or affine. The preset's when not given, but
        shift where images are very hard to tell apart, and none where neighbouring pixels do not resemble
        each other.
    detector
        Who decides which labels were changed; docs/methods.md lists them.
    truth
        What «wrong» means for the labels as they came: consensus (most careful people would give another)
        or process (something changed it). Labels changed on purpose are scored in the sense of process.
    kinds
        Only suspects of these kinds, with commas: mislabelled, ambiguous, atypical, low quality, duplicate,
        off-topic, none. All when not given.
    kinds_of
        Name the kind of the suspects, or of all rows, which kinds.csv then lists.
    controls
        Mix so many labels changed on purpose, and as many that nothing speaks against, unmarked into the
        list to review; audit apply says how the reviewer did on them. Needs noise.
    jobs
        Folds trained at once; one a core when not given, of little data one. Never changes the result.
    device
        auto, cpu, cuda or mps.
    map
        Draw a map of the data in the report, with the suspects marked; takes some seconds.
    report_mb
        Most megabytes of the report; the suspects that do not fit are in issues.csv.
    out
        The run's folder; reports/<data>-<kind>-<rate>-s<seed> when not given, without the rate for the
        kind matrix.
    """

    data: str = "mnist"
    _: KW_ONLY
    X: Path | None = None
    y: Path | None = None
    x_name: str | None = None
    y_name: str | None = None
    label_column: str | None = None
    path_column: str | None = None
    split: str | None = None
    skip_broken: bool = False
    limit: int | None = None
    min_class_size: int = 1
    noise: float | None = None
    noise_kind: str = "symmetric"
    noise_map: str | None = None
    noise_matrix: Path | None = None
    sampling: str | None = None
    inclusive: bool = False
    possible_values: str | None = None
    seed: int = 0
    folds: int = 5
    preset: str = "default"
    rounds: int | None = None
    repeats: int | None = None
    model: str = "auto"
    balance: bool = False
    pred_probs: Path | None = None
    epochs: int | None = None
    augment: str | None = None
    detector: str = "posterior"
    truth: str = DEFAULT_TRUTH
    kinds: str | None = None
    kinds_of: str = "suspects"
    controls: int = 0
    jobs: int | None = None
    device: str = "auto"
    map: bool = False
    report_mb: float = 5
    out: Path | None = None

    def __post_init__(self) -> None:
        if self.noise is None and self.noise_kind != "matrix":
            object.__setattr__(self, "noise", DEFAULT_NOISE if self.pred_probs is None else 0.0)
        self._check_noise()
        kinds_in(self.kinds)
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is None and getattr(Config, name) is None:
                continue
            if not isinstance(value, Integral) or value < least:
                raise ConfigError(f"--{name} must be a whole number of {least} or more, found {value!r}")
        check_report_mb(self.report_mb)
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices and not (value is None and getattr(Config, name) is None):
                listed = f"{', '.join(choices[:-1])} or {choices[-1]}"
                raise ConfigError(f"--{name.replace('_', '-')} must be {listed}, found {value!r}")
        if (self.X is None) != (self.y is None):
            given, missing = ("--X", "--y") if self.y is None else ("--y", "--X")
            raise ConfigError(f"{given} needs {missing}: the examples and their labels, both as .npy files")
        if self.pred_probs is not None and self.noise != 0:
            raise ConfigError(
                "--noise needs a model that is trained on the noisy labels, and --pred-probs has none; "
                "leave one of them out"
            )
        if self.X is not None and self.data != Config.data:
            raise ConfigError(f"found both {self.data!r} and --X; give one data set or the other")

    def _check_noise(self) -> None:
        """Refuse what is wrong whatever the data; `audit.noise` knows which option belongs to which kind."""
        found = f"{self.noise:g}" if isinstance(self.noise, Real) else repr(self.noise)
        if self.noise_kind == "matrix":
            if self.noise is not None:
                raise ConfigError(
                    "--noise must be left out with --noise-kind matrix, whose matrix gives the rate, "
                    f"found {found}"
                )
        elif not (isinstance(self.noise, Real) and 0 <= self.noise <= 1):  # also refuses NaN
            raise ConfigError(f"--noise must be a share from 0 to 1, found {found}; 10 % is 0.1")
        if self.controls and self.noise == 0:
            raise ConfigError(
                "--controls needs labels changed on purpose, found --noise 0; give both, as in --noise 0.05"
            )
        for name, example in (("noise_map", "0:1,1:0"), ("possible_values", "0,1,2")):
            value = getattr(self, name)
            if not isinstance(value, str | None):
                flag = name.replace("_", "-")
                raise ConfigError(f"--{flag} must be text such as {example!r}, found {value!r}")

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON can hold them; `from_json` takes them back."""
        return {name: str(v) if isinstance(v, Path) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> "Config":
        """The settings under their names, paths also as strings; ConfigError for an unknown name."""
        unknown = sorted(set(settings) - {field.name for field in fields(cls)})
        if unknown:
            names = ", ".join(field.name for field in fields(cls))
            raise ConfigError(f"unknown setting {unknown[0]!r}; expected one of {names}")
        files = ("X", "y", "noise_matrix", "pred_probs", "out")
        paths = {name: Path(settings[name]) for name in files if settings.get(name) is not None}
        return cls(**{**settings, **paths})

    def command(self, of: str = "detect", beside: Mapping[str, Any] = MappingProxyType({})) -> str:
        """The command line that repeats what was made by one, with these settings beside or instead."""
        data = [] if self.X else [shlex.quote(self.data)]
        flags = [_flag(name, value) for name, value in {**dict(self._deciding()), **beside}.items()]
        return " ".join([f"audit {of}", *data, *flags])

    def call(self) -> str:
        """The Python call that repeats a run on arrays."""
        settings = [f"{name}={_plain(value)!r}" for name, value in self._deciding()]
        return f"audit.detect({', '.join(['X', 'y', *settings])})"

    def _deciding(self) -> list[tuple[str, Any]]:
        """The noise, and the other settings beside data that decide the result and are not the default."""
        noise = "noise noise_kind noise_map noise_matrix sampling inclusive possible_values"
        source = "X y x_name y_name label_column path_column split skip_broken"
        rows = "limit min_class_size seed pred_probs"
        work = "folds preset rounds repeats model balance epochs augment"
        judged = "detector truth kinds kinds_of controls device"
        names = f"{noise} {source} {rows} {work} {judged}".split()
        return [(n, getattr(self, n)) for n in names if getattr(self, n) != getattr(Config, n)]


def check_report_mb(megabytes: float) -> None:
    """Refuse a size that holds no page; ConfigError."""
    if not (isinstance(megabytes, Real) and megabytes >= LEAST_REPORT_MB):  # also refuses NaN
        raise ConfigError(
            f"--report-mb must be megabytes, {LEAST_REPORT_MB} or more, found {megabytes!r}; 5 is the default"
        )


def _flag(name: str, value: Any) -> str:
    """A setting as the command line takes it; with = where the value would look like a flag."""
    flag, text = f"--{name.replace('_', '-')}", str(_plain(value))
    if value is True:
        return flag
    return f"{flag}={shlex.quote(text)}" if text.startswith("-") else f"{flag} {shlex.quote(text)}"


def _plain(value: Any) -> Any:
    """A path as text, and a number in as few digits as give it back."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(value)
    return value


def default_name(data_name: str, config: Config) -> str:
    """The name of a run's folder: data, kind of noise, rate where one was asked for, and seed."""
    noise = config.noise_kind if config.noise is None else f"{config.noise_kind}-{config.noise:g}"
    return f"{safe_name(data_name)}-{noise}-s{config.seed}"


def safe_name(text: str) -> str:
    """The text as the name of a folder anywhere."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in text).strip(".") or "data"
