"""Images in files: class-per-folder trees, and lists of paths."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets.examples import LEAST_SIDE
from audit.datasets.source import LabelPlace, Source
from audit.errors import DataError
from audit.events import Listener
from audit.settings.data import DataSettings

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"))
LONGEST_SIDE = 64  # pixels that images of mixed sizes are brought to at most
READ_AT_ONCE = 256
KEPT_BYTES = 1 << 30  # of pixels that are kept in memory; of more, images are read when they are asked for
CHANNELS = {"RGB": 3, "L": 1}  # of colours and grey, by PIL's mode
WITHOUT_COLOUR = ("1", "L", "LA", "La")  # modes of PIL
WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


@dataclass(frozen=True)
class Header:
    """Size and mode of an image that could be read."""

    size: tuple[int, int]  # width, height, upright
    mode: str  # one of CHANNELS


class ImageFiles:
    """Images of one size, read from their files when they are asked for."""

    def __init__(self, paths: Sequence[Path], size: tuple[int, int], mode: str) -> None:
        self.paths = paths
        self.size = size  # width, height
        self.mode = mode  # one of CHANNELS
        self.shape = (len(paths), size[1], size[0], CHANNELS[mode])
        self.dtype = np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> npt.NDArray[np.uint8]:
        """Read the images of these rows (m, h, w, c)."""
        wanted = np.arange(len(self))[rows]
        images = np.empty((len(wanted), *self.shape[1:]), dtype=np.uint8)

        def fill(place: int) -> None:
            images[place] = self._pixels(self.paths[wanted[place]])

        with ThreadPoolExecutor() as threads:
            list(threads.map(fill, range(len(wanted))))
        return images

    def _pixels(self, path: Path) -> npt.NDArray[np.uint8]:
        from PIL import Image  # noqa: PLC0415  slow to import

        with Image.open(path) as file:
            image = _plain(file).convert(self.mode)
        return np.asarray(_fitted(image, self.size)).reshape(self.shape[1:])


def load_tree(path: Path, settings: DataSettings, listener: Listener) -> Source:
    """Load the images of a folder that has a subfolder for each class, in the order of their paths.

    Raises
    ------
    DataError
        When there are fewer than two classes with images, or an image cannot be read.
    """
    files, classes, left_out = _walk(path)
    images, kept, notes = image_files(files, path, skip_broken=settings.skip_broken, listener=listener)
    return Source(
        name=path.resolve().name,
        X=images,
        y=np.array(classes, dtype=object)[kept],
        ids=np.array([file.relative_to(path).as_posix() for file in files])[kept],
        names=(str(path), f"the subfolders of {path}"),
        place=LabelPlace("tree", (path,)),
        notes=(*notes, *left_out),
    )


def image_files(
    paths: Sequence[Path], base: Path, *, skip_broken: bool, listener: Listener
) -> tuple[ImageFiles | npt.NDArray[np.uint8], npt.NDArray[np.int64], tuple[str, ...]]:
    """Read image files: the images (n, h, w, c), which of the paths they are of, and notes.

    Images of different sizes are brought to the median height and width, at most LONGEST_SIDE pixels, each
    scaled to fit with its proportions kept and black beside it. All are in colour if one is; transparency
    becomes white.

    Raises
    ------
    DataError
        When a file cannot be read and is not to be skipped, or none can.
    """
    if not paths:
        raise DataError(f"{base} has no images to read (0 files); there is nothing to audit")
    headers = _read_headers(paths, listener)
    broken = [path for path, header in zip(paths, headers, strict=True) if isinstance(header, str)]
    if broken and (not skip_broken or len(broken) == len(paths)):
        first = next(header for header in headers if isinstance(header, str))
        raise DataError(
            f"{len(broken):,} of {len(paths):,} files cannot be read as images, first {broken[0]} ({first}); "
            "fix them, or leave them out with --skip-broken"
        )
    good = {i: header for i, header in enumerate(headers) if isinstance(header, Header)}
    sizes = Counter(header.size for header in good.values())
    size = _common_size(sizes)
    modes = {header.mode for header in good.values()}
    mode = next(mode for mode in CHANNELS if mode in modes)
    files = ImageFiles([paths[i] for i in good], size, mode)
    notes = []
    if broken:
        names = wording.some([_relative(path, base) for path in broken])
        notes.append(f"{len(broken):,} broken images left out: {names}")
    if set(sizes) != {size}:
        of = wording.count(len(sizes), "size")
        notes.append(
            f"{len(good):,} images of {of} were scaled to {size[1]} x {size[0]}, keeping their proportions"
        )
    images: ImageFiles | npt.NDArray[np.uint8] = files
    if np.prod(files.shape) <= KEPT_BYTES:
        images = _in_memory(files, listener)
    return images, np.array(list(good), dtype=np.int64), tuple(notes)


def _read_headers(paths: Sequence[Path], listener: Listener) -> list[Header | str]:
    """The header of each image, or what is wrong with it."""
    headers = []
    with ThreadPoolExecutor() as threads:
        for header in threads.map(_header, paths):
            headers.append(header)
            listener.reading(len(headers), len(paths))
    return headers


def _in_memory(files: ImageFiles, listener: Listener) -> npt.NDArray[np.uint8]:
    """Read all images, READ_AT_ONCE at a time."""
    images = np.empty(files.shape, dtype=np.uint8)
    for start in range(0, len(files), READ_AT_ONCE):
        end = min(start + READ_AT_ONCE, len(files))
        images[start:end] = files[start:end]
        listener.reading(end, len(files))
    return images


def _walk(folder: Path) -> tuple[list[Path], list[str], tuple[str, ...]]:
    """List the images below the subfolders, the subfolder of each, and notes on what else there is."""
    try:
        found = sorted(_files(folder))
        subfolders = {
            path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
        }
    except OSError as error:
        why = error.strerror or error
        raise DataError(f"{error.filename} cannot be listed ({why}); make it readable") from error
    images = [path for path in found if path.suffix.lower() in ENDINGS]
    loose = [path for path in images if path.parent == folder]
    nested = [path for path in images if path.parent != folder]
    classes = [path.relative_to(folder).parts[0] for path in nested]
    if len(set(classes)) < 2:
        subfolders_used = wording.count(len(set(classes)), "subfolder")
        raise DataError(
            f"{folder} has {len(nested):,} images in {subfolders_used} and {len(loose):,} beside them, "
            "expected a subfolder of images for each of two or more classes, or IDX files; move the images "
            "into folders named by their class"
        )
    empty = sorted(subfolders.difference(classes))
    others = len(found) - len(images)
    notes = []
    if loose:
        notes.append(f"{len(loose):,} images beside the subfolders left out")
    if empty:
        notes.append(f"{len(empty):,} subfolders without images left out: {wording.some(empty)}")
    if others:
        notes.append(f"{others:,} files that are not images left out")
    return nested, classes, tuple(notes)


def _files(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """List every file below that is not hidden, through links, but never back up into a folder above."""
    real = folder.resolve()
    if any(ancestor.is_relative_to(real) for ancestor in above):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _files(Path(entry.path), (*above, real))
            elif entry.is_file() or entry.is_symlink():  # a dead link is a file that cannot be read
                yield Path(entry.path)


def _header(path: Path) -> Header | str:
    """Decode an image: its size and mode, or what is wrong with it."""
    from PIL import Image  # noqa: PLC0415  slow to import

    try:
        with Image.open(path) as file:
            image = _plain(file)
            return Header(image.size, image.mode)
    except Exception as error:  # noqa: BLE001  decoders raise anything on damaged files
        return wording.one_line(error).replace(str(path), path.name) or type(error).__name__


def _fitted(image: "Image", size: tuple[int, int]) -> "Image":
    """Scale an image to fit into the size, centred on black.

    Not ImageOps.pad, which scales images that are much thinner than the size to a width of 0.
    """
    from PIL import Image  # noqa: PLC0415  slow to import

    if image.size == size:
        return image
    scale = min(size[0] / image.width, size[1] / image.height)
    width, height = (max(1, round(scale * side)) for side in image.size)
    background = Image.new(image.mode, size)
    scaled = image.resize((width, height), Image.Resampling.BOX)
    background.paste(scaled, ((size[0] - width) // 2, (size[1] - height) // 2))
    return background


def _plain(image: "Image") -> "Image":
    """Turn an image upright, without transparency, into RGB or 8-bit grey."""
    from PIL import Image, ImageOps  # noqa: PLC0415  slow to import

    upright = ImageOps.exif_transpose(image)
    if upright.mode[:1] in "IF":  # 16 and 32 bits a pixel
        values = np.nan_to_num(np.asarray(upright, dtype=np.float64))
        most = 65535 if upright.mode.startswith("I") else max(1.0, float(values.max()))
        return Image.fromarray((np.clip(values / most, 0, 1) * 255).astype(np.uint8))
    mode = "L" if upright.mode in WITHOUT_COLOUR else "RGB"
    if upright.mode in WITH_ALPHA or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return upright.convert(mode)


def _common_size(sizes: Counter[tuple[int, int]]) -> tuple[int, int]:
    """The one size, or the median width and height, scaled down to LONGEST_SIDE."""
    each = np.repeat(list(sizes), list(sizes.values()), axis=0)  # (m, 2) of every image
    width, height = np.median(each, axis=0).tolist()
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(LEAST_SIDE, round(scale * width)), max(LEAST_SIDE, round(scale * height))


def _relative(path: Path, base: Path) -> str:
    if path.is_relative_to(base):
        path = path.relative_to(base)
    return path.as_posix()
