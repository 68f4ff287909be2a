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
from audit.datasets.source import LabelPlace, Source
from audit.errors import DataError
from audit.events import Listener, Silent

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"))
LONGEST_SIDE = 64  # pixels that images of mixed sizes are brought to at most
LEAST_SIDE = 8
READ_AT_ONCE = 256
KEPT_BYTES = 1 << 30  # of pixels that are kept in memory; more are read again when asked for


@dataclass(frozen=True)
class Header:
    """What is known of an image once it was read."""

    size: tuple[int, int]  # width, height, upright
    colour: bool


class ImageFiles:
    """Images of one size, read from their files when they are asked for."""

    def __init__(self, paths: Sequence[Path], size: tuple[int, int], *, colour: bool) -> None:
        self.paths, self.size, self.colour = paths, size, colour
        self.shape = (len(paths), size[1], size[0], 3 if colour else 1)
        self.dtype = np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> npt.NDArray[np.uint8]:
        """The images of these rows (m, h, w, c)."""
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
            image = _plain(file).convert("RGB" if self.colour else "L")
        return np.asarray(_fitted(image, self.size)).reshape(self.shape[1:])


def load_tree(folder: Path, *, skip_broken: bool, listener: Listener | None = None) -> Source:
    """The images of a folder that has a subfolder for each class, in the order of their paths.

    Raises
    ------
    DataError
        When there are fewer than two classes with images, or an image cannot be read.
    """
    paths, classes, left_out = _walk(folder)
    images, kept, notes = image_files(paths, folder, skip_broken=skip_broken, listener=listener or Silent())
    return Source(
        name=folder.resolve().name,
        X=images,
        y=np.array(classes, dtype=object)[kept],
        ids=np.array([path.relative_to(folder).as_posix() for path in paths])[kept],
        names=(str(folder), f"the subfolders of {folder}"),
        place=LabelPlace("tree", (folder,)),
        notes=(*notes, *left_out),
    )


def image_files(
    paths: Sequence[Path], base: Path, *, skip_broken: bool, listener: Listener
) -> tuple[ImageFiles | npt.NDArray[np.uint8], npt.NDArray[np.int64], tuple[str, ...]]:
    """The images (n, h, w, c) of these files, which of the paths they are of, and notes.

    Images of different sizes are brought to the median height and width, at most LONGEST_SIDE pixels, each
    scaled to fit with its proportions kept and black beside it. All are in colour if one is; what is
    transparent is white.

    Raises
    ------
    DataError
        When a file cannot be read and is not to be skipped, or none can.
    """
    if not paths:
        raise DataError(f"{base} has no images to read (0 files); there is nothing to audit")
    headers = []
    with ThreadPoolExecutor() as threads:
        for header in threads.map(_header, paths):
            headers.append(header)
            listener.reading(len(headers), len(paths))
    broken = [path for path, header in zip(paths, headers, strict=True) if isinstance(header, str)]
    if broken and (not skip_broken or len(broken) == len(paths)):
        first = next(header for header in headers if isinstance(header, str))
        raise DataError(
            f"{broken[0]} cannot be read as an image ({first}), as {len(broken):,} of {len(paths):,} files; "
            "use --skip-broken to leave them out, or mend them"
        )
    kept = np.array([i for i, header in enumerate(headers) if not isinstance(header, str)], dtype=np.int64)
    sizes = Counter(header.size for header in headers if not isinstance(header, str))
    size = _common_size(sizes)
    colour = any(header.colour for header in headers if not isinstance(header, str))
    files = ImageFiles([paths[i] for i in kept], size, colour=colour)
    notes = []
    if broken:
        named = wording.some([_relative(path, base) for path in broken])
        notes.append(f"{len(broken):,} broken images left out: {named}")
    if set(sizes) != {size}:
        of = "1 size" if len(sizes) == 1 else f"{len(sizes):,} sizes"
        notes.append(
            f"{len(kept):,} images of {of} were scaled to {size[1]} x {size[0]}, keeping their proportions"
        )
    small = len(kept) * np.prod(files.shape[1:]) <= KEPT_BYTES
    return _in_memory(files, listener) if small else files, kept, tuple(notes)


def _in_memory(files: ImageFiles, listener: Listener) -> npt.NDArray[np.uint8]:
    """All images, read in parts."""
    images = np.empty(files.shape, dtype=np.uint8)
    for start in range(0, len(files), READ_AT_ONCE):
        end = min(start + READ_AT_ONCE, len(files))
        images[start:end] = files[start:end]
        listener.reading(end, len(files))
    return images


def _walk(folder: Path) -> tuple[list[Path], list[str], tuple[str, ...]]:
    """The images below each subfolder with its name, and notes of what else there is."""
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
        what = f"{len(images):,} images, {len(loose):,} of them loose," if images else "no images"
        raise DataError(
            f"{folder} holds {what} in {len(set(classes))} subfolders, expected a subfolder of images for "
            "each of two or more classes, or IDX files; move the images into folders named by their class"
        )
    empty = sorted(subfolders.difference(classes))
    others = len(found) - len(images)
    notes = []
    if loose:
        notes.append(f"{len(loose):,} images beside the subfolders left out")
    if empty:
        notes.append(f"{len(empty):,} subfolders without images left out: {wording.some(empty)}")
    if others:
        notes.append(f"{others:,} files that are no images left out")
    return nested, classes, tuple(notes)


def _files(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Every file below that is not hidden, through links, but never back up into what is being read."""
    real = folder.resolve()
    if any(each.is_relative_to(real) for each in above):
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
    """Size and kind of an image after all of it was decoded, or what is wrong with it."""
    from PIL import Image  # noqa: PLC0415  slow to import

    try:
        with Image.open(path) as file:
            image = _plain(file)
            return Header(image.size, image.mode == "RGB")
    except Exception as error:  # noqa: BLE001  decoders raise anything on damaged files
        return wording.one_line(error).replace(str(path), path.name) or type(error).__name__


def _fitted(image: "Image", size: tuple[int, int]) -> "Image":
    """The image scaled to fit into the size, in the middle of black; a thin one keeps a pixel.

    ImageOps.pad loses images that are much thinner than the size.
    """
    from PIL import Image  # noqa: PLC0415  slow to import

    if image.size == size:
        return image
    scale = min(size[0] / image.width, size[1] / image.height)
    width, height = (max(1, round(scale * side)) for side in image.size)
    ground = Image.new(image.mode, size)
    inner = image.resize((width, height), Image.Resampling.BOX)
    ground.paste(inner, ((size[0] - width) // 2, (size[1] - height) // 2))
    return ground


def _plain(image: "Image") -> "Image":
    """The image upright, without transparency, as RGB or as grey of 8 bits."""
    from PIL import Image, ImageOps  # noqa: PLC0415  slow to import

    upright = ImageOps.exif_transpose(image)
    if upright.mode[:1] in "IF":  # 16 and 32 bits a pixel
        values = np.nan_to_num(np.asarray(upright, dtype=np.float64))
        most = 65535 if upright.mode.startswith("I") else max(1.0, float(values.max()))
        return Image.fromarray((np.clip(values / most, 0, 1) * 255).astype(np.uint8))
    if upright.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
        return flat.convert("L") if upright.mode in ("LA", "La", "L", "1") else flat
    return upright.convert("L" if upright.mode in ("1", "L") else "RGB")


def _common_size(sizes: Counter[tuple[int, int]]) -> tuple[int, int]:
    """The one size, or the median width and height, scaled down to LONGEST_SIDE."""
    widths, heights = (np.repeat([size[i] for size in sizes], list(sizes.values())) for i in (0, 1))
    width, height = float(np.median(widths)), float(np.median(heights))
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(LEAST_SIDE, round(scale * width)), max(LEAST_SIDE, round(scale * height))


def _relative(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else path.as_posix()
