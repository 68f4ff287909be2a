"""Which loader reads the data that the settings name.

To add a form of data, write `audit/datasets/sources/mine.py` with a function
`load_mine(path, settings, listener) -> Source` and name it in LOADERS. It need not check labels and examples:
`validation.validate` does that for all forms.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import cast

from audit.datasets.annotations import votes_of_file
from audit.datasets.files import refuse_unreachable
from audit.datasets.labels.no_label import names_in
from audit.datasets.source import Source
from audit.datasets.sources.bundled import BUNDLED
from audit.datasets.sources.idx import is_idx, is_idx_folder
from audit.datasets.sources.packed import TABLES, ZIP
from audit.datasets.sources.tars import TARS, is_tar_folder
from audit.errors import DataError
from audit.events import Listener, Silent
from audit.settings.data import DataSettings

OPENML = "openml:"

Load = Callable[[Path, DataSettings, Listener], Source]


@dataclass(frozen=True)
class Loader:
    """A form in which data may be given, and the function that loads it."""

    form: str  # as a person gives it
    content: str  # what it holds
    function: str  # MODULE:FUNCTION in audit.datasets.sources, imported when it is used
    suffixes: tuple[str, ...] = ()  # of the file
    takes: Callable[[Path, DataSettings], bool] | None = None  # instead of suffixes

    def fits(self, path: Path, settings: DataSettings) -> bool:
        """Whether this loader reads the data that the settings name."""
        if self.takes is not None:
            return self.takes(path, settings)
        return settings.X is None and path.name.lower().endswith(self.suffixes) and not path.is_dir()

    def load(self, path: Path, settings: DataSettings, listener: Listener) -> Source:
        """Call the function."""
        module, _, name = self.function.partition(":")
        function = cast("Load", getattr(import_module(f"audit.datasets.sources.{module}"), name))
        return function(path, settings, listener)


LOADERS = (  # of those that fit, the first is used
    Loader(
        "--y FILE",
        "labels alone, in an .npy file, for --pred-probs",
        "arrays:load_labels",
        takes=lambda _, settings: settings.labels_alone,
    ),
    Loader("FILE.npz", "arrays named X and y, or images and labels", "arrays:load_npz", (".npz",)),
    Loader(
        "FILE.h5, FILE.hdf5",
        "the same in HDF5; others with --x-name and --y-name",
        "arrays:load_hdf5",
        (".h5", ".hdf5"),
    ),
    Loader(
        "FILE.csv, .jsonl, .parquet",
        "a label column, and columns of texts, images, paths or features; also .tsv, .json, .gz",
        "tables:load_table",
        (*TABLES, *(f"{suffix}.gz" for suffix in TABLES), ".parquet"),
    ),
    Loader(
        "FILE.zip", "one of these tables, or a folder of images for each class", "archives:load_zip", (ZIP,)
    ),
    Loader(
        "FILE.tar, .tar.gz",
        "a WebDataset, as KEY.jpg with KEY.cls or KEY.json, or a folder of images for each class",
        "shards:load_shards",
        TARS,
    ),
    Loader(
        "FOLDER of .tar files",
        "the shards of a WebDataset",
        "shards:load_shards",
        takes=lambda path, settings: settings.X is None and path.is_dir() and is_tar_folder(path),
    ),
    Loader(
        "FOLDER of IDX files",
        "as MNIST has them, such as train-images-idx3-ubyte.gz",
        "idx:load_idx_folder",
        takes=lambda path, settings: settings.X is None and path.is_dir() and is_idx_folder(path),
    ),
    Loader(
        "FOLDER",
        "a subfolder of images for each class",
        "folders:load_tree",
        takes=lambda path, settings: settings.X is None and path.is_dir(),
    ),
    Loader(
        "openml:NAME, openml:ID",
        "from openml.org, kept in the user's cache folder",
        "openml:load_openml",
        takes=lambda _, settings: settings.X is None and settings.data.startswith(OPENML),
    ),
    Loader(
        "--X IDX --y IDX",
        "a pair of IDX files",
        "idx:load_idx_pair",
        takes=lambda path, settings: settings.X is not None and is_idx(path),
    ),
    Loader(
        "--X FILE --y FILE",
        "a pair of .npy files, X memory-mapped, or sparse in an .npz",
        "arrays:load_npy_pair",
        takes=lambda _, settings: settings.X is not None,
    ),
)
FORMS = {loader.form: loader.content for loader in LOADERS}  # beside the bundled names


def open_source(settings: DataSettings, listener: Listener | None = None) -> Source:
    """Load what the settings name, unchecked; DataError when there is no such data set."""
    source = replace(_loaded(settings, listener or Silent()), missing=names_in(settings.missing))
    if settings.annotations is None:
        return source
    return votes_of_file(source, settings.annotations)


def _loaded(settings: DataSettings, listener: Listener) -> Source:
    """Load the data by the first loader that fits."""
    if settings.annotations is not None:
        refuse_unreachable(settings.annotations)
    if settings.X is None and settings.y is None and settings.data in BUNDLED:
        return BUNDLED[settings.data](settings.data)
    path = settings.X or Path(settings.data)
    for file in files_of(settings):
        refuse_unreachable(file)
    for loader in LOADERS:
        if loader.fits(path, settings):
            return loader.load(path, settings, listener)
    suffixes = [each for loader in LOADERS for each in loader.suffixes if not each.endswith(".gz")]
    raise DataError(
        f"{settings.data!r} is not a data set: expected {', '.join(BUNDLED)}, openml:NAME, a file that "
        f"ends in {', '.join(suffixes)} (tables of text and .tar also with .gz), a folder of images, or --X "
        "and --y; audit datasets lists them"
    )


def files_of(settings: DataSettings) -> list[Path]:
    """The files or the folder that the settings name; bundled data sets and those from OpenML are none."""
    files = [settings.X, settings.y]
    if settings.X is None and settings.y is None:
        by_name = settings.data in BUNDLED or settings.data.startswith(OPENML)
        files = [None if by_name else Path(settings.data)]
    return [path for path in (*files, settings.annotations) if path is not None]


def folder_of(settings: DataSettings) -> str:
    """The folder from which the relative path of the data leads; empty when there is no such path."""
    if all(path.is_absolute() for path in files_of(settings)):
        return ""
    return str(Path.cwd())
