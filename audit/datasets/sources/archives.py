"""Archives of images in folders of their classes, and zip archives. Nothing is unpacked on the disk."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from threading import Lock

import numpy as np

from audit.datasets.files import reading, refuse_bomb
from audit.datasets.source import Source
from audit.datasets.sources.encoded import Encoded
from audit.datasets.sources.folders import PictureFiles, image_files
from audit.datasets.sources.packed import entries
from audit.datasets.sources.tables import load_table
from audit.datasets.sources.trees import ENDINGS, tree_of
from audit.events import Listener
from audit.settings.data import DataSettings


def load_zip(path: Path, settings: DataSettings, listener: Listener) -> Source:
    """Load the images of a zip archive, as those of a folder, or else its only table.

    Raises
    ------
    DataError
        When it holds neither, an entry leads out of it, or it unpacks to far more than its size.
    """
    with reading(path, "cannot be read as a zip archive", "; write or copy it again"):
        archive = _Zip(path)
    files = {
        PurePosixPath(info.filename): Encoded(f"{path}/{info.filename}", archive.reader(info))
        for info in archive.images
    }
    if not files:
        archive.close()
        return load_table(path, settings, listener)
    refuse_bomb(path, sum(info.file_size for info in archive.images), "unpack it")
    return images_in_folders(path, files, settings, listener)


class _Zip:
    """The images of a zip archive, which stays open until nobody can read them any more."""

    def __init__(self, path: Path) -> None:
        self.file = zipfile.ZipFile(path)
        self.lock = Lock()  # one thread reads at a time
        self.images = [info for info in entries(path, self.file) if is_image(PurePosixPath(info.filename))]

    def reader(self, info: zipfile.ZipInfo) -> Callable[[], bytes]:
        """A function that reads an entry."""

        def read() -> bytes:
            with self.lock:
                return self.file.read(info)

        return read

    def close(self) -> None:
        self.file.close()


def is_image(path: PurePosixPath) -> bool:
    """Whether a file is called like an image."""
    return path.suffix.lower() in ENDINGS


def images_in_folders(
    path: Path, files: Mapping[PurePosixPath, Encoded], settings: DataSettings, listener: Listener
) -> Source:
    """Load the images of an archive by the folders that they are in, below what is common to all of them.

    Raises
    ------
    DataError
        When there are fewer than two classes with images, or an image cannot be read.
    """
    top = _common_folder(list(files))
    below = sorted(each.relative_to(top) for each in files)
    tree = tree_of(path, [each.parts for each in below], settings.parts)
    found = [files[top / each] for each in tree.paths]
    images, kept, notes = image_files(found, path, skip_broken=settings.skip_broken, listener=listener)
    part = None
    if tree.part is not None:
        part = np.array(tree.part)[kept]
    return Source(
        name=path.stem,
        X=images,
        y=np.array(tree.classes, dtype=object)[kept],
        ids=np.array([each.as_posix() for each in tree.paths])[kept],
        names=(str(path), f"the folders in {path}"),
        part=part,
        notes=(*notes, *tree.notes),
        pictures=PictureFiles([found[i] for i in kept.tolist()]),
    )


def _common_folder(paths: list[PurePosixPath]) -> PurePosixPath:
    """The folder that all images are below, where they lie in further folders."""
    top = PurePosixPath()
    while len(first := {each.relative_to(top).parts[0] for each in paths}) == 1:
        inner = top / first.pop()
        if any(inner in (each, each.parent) for each in paths):
            break
        top = inner
    return top
