"""The settings that name the data, and the rows of it that are audited."""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from audit.errors import ConfigError
from audit.settings.fields import SettingsGroup, setting

DEFAULT_DATA = "mnist"


@dataclass(frozen=True)
class DataSettings(SettingsGroup):
    """Where examples and labels come from, and which rows are audited."""

    data: str = setting(
        DEFAULT_DATA,
        "A bundled data set, a file, a folder of images, or openml:NAME. Run audit datasets for a list.",
        decides="data",
    )
    _: KW_ONLY
    X: Path | None = setting(
        None,
        "Examples as an .npy or IDX file: images (n, h, w), (n, h, w, c) or (n, c, h, w), or features (n, "
        "d). Takes the place of DATA and needs --y or --annotations.",
        decides="data",
    )
    y: Path | None = setting(None, "Labels (n,) as an .npy or IDX file. Needs --X.", decides="data")
    annotations: Path | None = setting(
        None,
        "Labels that several people gave, as a .csv, .tsv, .parquet or .npy file: a line for each label, "
        "with the columns row, annotator and label, or a column for each person. Without labels in the data, "
        "their majority is the label.",
        decides="data",
    )
    x_name: str | None = setting(
        None,
        "Name of the examples in an .npz or HDF5 file. Only needed for an unusual name, not for X or images.",
        decides="data",
    )
    y_name: str | None = setting(
        None,
        "Name of the labels in that file. Only needed for an unusual name, not for y or labels.",
        decides="data",
    )
    label_column: str | None = setting(
        None,
        "Column of a table that holds the labels. Only needed for a name other than label, y, target or "
        "class.",
        decides="data",
    )
    path_column: str | None = setting(
        None,
        "Column of a table that holds image paths. Only needed for a name other than path, file or image.",
        decides="data",
    )
    text_column: str | None = setting(
        None,
        "Columns of a table, separated by commas, that hold the texts to audit. Without it they are found by "
        "what they hold. none: texts are left out.",
        decides="data",
        holds_names=True,
    )
    split: str | None = setting(
        None,
        "Column of a table that names the part of each row, such as train or test. The report lists rows "
        "that occur in more than one part.",
        decides="data",
    )
    parts: str | None = setting(
        None,
        "Folders of images that are parts, such as train,val; the folders in them are the classes. none: "
        "folders called train, val or test are classes. Without it, folders with such names are parts where "
        "the same folders are in each.",
        decides="data",
        holds_names=True,
    )
    missing: str | None = setting(
        None,
        'Labels that mean "no label", such as NA,-1. Empty ones always do.',
        decides="data",
        holds_names=True,
    )
    group_column: str | None = setting(
        None,
        "Column of a table whose rows of one value belong together, such as those of one patient, document "
        "or video. No fold splits a group, and labels are changed by group.",
        decides="data",
    )
    order_column: str | None = setting(
        None,
        "Column of a table that puts the rows in order, such as a time. Folds are blocks of it, and models "
        "learn only from rows before theirs.",
        decides="data",
    )
    keep_columns: str | None = setting(
        None,
        "Columns, separated by commas, that stay features although they look like row numbers or tell the "
        "label in other words. Without it, such columns are left out by name.",
        decides="data",
        holds_names=True,
    )
    skip_broken: bool = setting(
        False, "Skip images that cannot be read, and list them, instead of stopping.", decides="data"
    )
    limit: int | None = setting(
        None, "Audit a stratified sample of this many rows, drawn with --seed.", decides="data", least=1
    )
    min_class_size: int = setting(
        1, "Drop classes with fewer than this many examples.", decides="data", least=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.X is None and self.y is None:
            return
        if self.y is None and self.annotations is None:
            raise ConfigError("--X needs --y: the examples and their labels, both as .npy files")
        if self.data != DEFAULT_DATA:
            flag = "--y" if self.X is None else "--X"
            raise ConfigError(f"found both {self.data!r} and {flag}; give one data set or the other")

    @property
    def labels_alone(self) -> bool:
        """Whether there are labels and no examples."""
        return self.X is None and self.y is not None
