"""Images in files: class-per-folder trees, and lists of paths."""

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets.examples import LEAST_SIDE
from audit.datasets.files import SPARE_BYTES, TIMES
from audit.datasets.source import LabelPlace, Source
from audit.datasets.sources.encoded import ImageSource, opened
from audit.datasets.sources.trees import read_tree
from audit.errors import DataError
from audit.events import Listener
from audit.settings.data import DataSettings
from audit.types import Rows

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

LONGEST_SIDE = 64  # pixels that images of mixed sizes are brought to at most
READ_AT_ONCE = 256
KEPT_BYTES = 1 << 30  # of pixels that are kept in memory; of more, images are read when they are asked for
CHANNELS = {"RGB": 3, "L": 1, "F": 1}  # of colours, grey and grey of more than 8 bits, by PIL's mode
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # PIL starts other programs for some others
PIXEL_BYTES = {"1": 1, "L": 1, "RGB": 4}  # while an image is read, by its mode
MOST_PIXEL_BYTES = 12  # in the others, which have transparency or more than 8 bits
ALONE_PIXELS = 8_000_000  # of an image that is decoded while no other large one is
MOST_PIXELS = 500_000_000  # of all images, and as many as this for each byte of their files
PIXELS_PER_BYTE = 200
WITHOUT_COLOUR = ("1", "L", "LA", "La")  # modes of PIL
WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


_one_large = Lock()


@dataclass(frozen=True)
class Header:
    """Size and mode of an image that could be read."""

    size: tuple[int, int]  # width, height, upright
    mode: str  # one of CHANNELS
    low: float = 0.0  # the least and the largest number of a grey image of more than 8 bits
    high: float = 0.0
    has_gaps: bool = False  # whether some of these numbers are NaN or infinite
    decoded: int = 0  # pixels in the file
    stored: int = 0  # bytes of the file
    is_cut: bool = False  # whether its colours have more than 8 bits a channel, which PIL does not read


class ImageFiles:
    """Images of one size, read from their files when they are asked for."""

    def __init__(
        self,
        paths: Sequence[ImageSource],
        size: tuple[int, int],
        mode: str,
        *,
        low: float = 0.0,
        high: float = 0.0,
    ) -> None:
        self.paths = paths
        self.size = size  # width, height
        self.mode = mode  # one of CHANNELS
        self.shape = (len(paths), size[1], size[0], CHANNELS[mode])
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        self.background = 0.0
        if mode == "F":  # numbers stay as they are: no scale of a file or of its type comes between them
            self.dtype = np.dtype(np.float32)
            self.background = low
        self.high = high  # of all images of more than 8 bits, which becomes white beside others of 8 bits

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> npt.NDArray[Any]:
        """Read the images of these rows (m, h, w, c)."""
        wanted = np.arange(len(self))[rows]
        images = np.empty((len(wanted), *self.shape[1:]), dtype=self.dtype)

        def fill(place: int) -> None:
            images[place] = self._pixels(self.paths[wanted[place]])

        with _threads() as threads:
            list(threads.map(fill, range(len(wanted))))
        return images

    def _pixels(self, source: ImageSource) -> npt.NDArray[Any]:
        from PIL import Image  # noqa: PLC0415  slow to import

        with _decoded(source) as (file, _):
            image = _plain(file)
            if image.mode == "F" and self.mode != "F":
                shares = np.clip(np.asarray(image) / max(self.high, 1.0), 0, 1)
                image = Image.fromarray((shares * 255).astype(np.uint8))
            fitted = _fitted(image, self.size, self.background).convert(self.mode)
        return np.asarray(fitted).reshape(self.shape[1:])


@dataclass(frozen=True, eq=False)
class PictureFiles:
    """Images in files, each of its own size, read for an embedder when they are asked for."""

    paths: Sequence[ImageSource]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Rows) -> "PictureFiles":
        """The files of these rows (m,)."""
        return PictureFiles([self.paths[row] for row in rows.tolist()])

    @property
    def names(self) -> list[str]:
        """The path of each, empty where it is no file of its own."""
        return [str(path) if isinstance(path, Path) else "" for path in self.paths]

    def read(self, side: int) -> list[npt.NDArray[np.uint8]]:
        """Read each in colour (h, w, 3), by a whole number smaller as long as both sides stay this long.

        Grey images of more than 8 bits are scaled by their own largest number.
        """
        with _threads() as threads:
            return list(threads.map(partial(_in_colour, side=side), self.paths))

    def digest(self) -> str:
        """The sha256 of all files."""
        digest = hashlib.sha256()
        for path in self.paths:
            content, _ = opened(path)
            with content.open("rb") if isinstance(content, Path) else content as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()


def load_tree(path: Path, settings: DataSettings, listener: Listener) -> Source:
    """Load the images of a folder that has a subfolder for each class, in the order of their paths.

    Where the subfolders are parts, such as train and val, the folders in them are the classes. Beside
    annotations the images may also be in no folders of classes.

    Raises
    ------
    DataError
        When there are fewer than two classes with images, or an image cannot be read.
    """
    tree = read_tree(path, settings.parts, labelled=settings.annotations is None)
    has_classes = any(each is not None for each in tree.classes)
    files = [path / each for each in tree.paths]
    images, kept, notes = image_files(files, path, skip_broken=settings.skip_broken, listener=listener)
    part = None
    depth = 0
    if tree.part is not None:
        depth = 1
        part = np.array(tree.part)[kept]
    return Source(
        name=path.resolve().name,
        X=images,
        y=np.array(tree.classes, dtype=object)[kept] if has_classes else None,
        ids=np.array([each.as_posix() for each in tree.paths])[kept],
        names=(str(path), f"the subfolders of {path}"),
        place=LabelPlace("tree", (path,), depth=depth) if has_classes else None,
        part=part,
        notes=(*notes, *tree.notes),
        pictures=PictureFiles([files[i] for i in kept.tolist()]),
    )


def image_files(
    paths: Sequence[ImageSource], base: Path, *, skip_broken: bool, listener: Listener
) -> tuple[ImageFiles | npt.NDArray[Any], npt.NDArray[np.int64], tuple[str, ...]]:
    """Read image files: the images (n, h, w, c), which of the paths they are of, and notes.

    Images of different sizes are brought to the median height and width, at most LONGEST_SIDE pixels, each
    scaled to fit with its proportions kept and black beside it. All are in colour if one is; transparency
    becomes white. Grey images of more than 8 bits keep their numbers, as float32; only beside images of 8
    bits are they scaled, all by one factor.

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
            f"{len(broken):,} of {len(paths):,} files cannot be read as images, first "
            f"{wording.writable(str(broken[0]))} ({first}); "
            "fix them, or leave them out with --skip-broken"
        )
    good = {i: header for i, header in enumerate(headers) if isinstance(header, Header)}
    sizes = Counter(header.size for header in good.values())
    size = _common_size(sizes)
    modes = {header.mode for header in good.values()}
    mode = next(mode for mode in CHANNELS if mode in modes)
    deep = [header for header in good.values() if header.mode == "F"]
    low = min((header.low for header in deep), default=0.0)
    high = max((header.high for header in deep), default=0.0)
    files = ImageFiles([paths[i] for i in good], size, mode, low=low, high=high)
    notes = _depth_notes(list(good.values()), mode, high)
    if broken:
        names = wording.some([_relative(path, base) for path in broken])
        notes.append(f"{len(broken):,} broken images left out: {names}")
    if set(sizes) != {size}:
        of = wording.count(len(sizes), "size")
        notes.append(
            f"{len(good):,} images of {of} were scaled to {size[1]} x {size[0]}, keeping their proportions"
        )
    images: ImageFiles | npt.NDArray[Any] = files
    if np.prod(files.shape) * files.dtype.itemsize <= KEPT_BYTES:
        images = _in_memory(files, listener)
    return images, np.array(list(good), dtype=np.int64), tuple(notes)


def _depth_notes(headers: Sequence[Header], mode: str, high: float) -> list[str]:
    """What became of numbers of more than 8 bits, a line each."""
    deep = sum(header.mode == "F" for header in headers)
    gaps = sum(header.has_gaps for header in headers)
    cut = sum(header.is_cut for header in headers)
    notes = []
    if deep and mode != "F":
        notes.append(
            f"{wording.count(deep, 'image')} of more than 8 bits, beside others of 8 bits: scaled by 255 / "
            f"{high:g}"
        )
    if gaps:
        notes.append(f"{wording.count(gaps, 'image')} with NaN or infinite pixels, which are read as 0")
    if cut:
        notes.append(
            f"{wording.count(cut, 'image')} in colour with 16 bits a channel, of which the upper 8 are read; "
            "give an array where that is too little"
        )
    return notes


def _read_headers(paths: Sequence[ImageSource], listener: Listener) -> list[Header | str]:
    """The header of each image, or what is wrong with it."""
    headers: list[Header | str] = []
    pixels = 0
    most = MOST_PIXELS
    with _threads() as threads:
        for path, header in zip(paths, threads.map(_header, paths), strict=True):
            headers.append(header)
            if isinstance(header, Header):
                pixels += header.decoded
                most += PIXELS_PER_BYTE * header.stored
            if pixels > most:
                threads.shutdown(wait=False, cancel_futures=True)
                raise DataError(
                    f"the first {len(headers):,} images have {pixels:,} pixels, expected {most:,} or fewer "
                    f"in files of their size, last {path}; scale them down"
                )
            listener.counted("reading files", len(headers), len(paths))
    return headers


def _in_memory(files: ImageFiles, listener: Listener) -> npt.NDArray[Any]:
    """Read all images, READ_AT_ONCE at a time."""
    images = np.empty(files.shape, dtype=files.dtype)
    for start in range(0, len(files), READ_AT_ONCE):
        end = min(start + READ_AT_ONCE, len(files))
        images[start:end] = files[start:end]
        listener.counted("reading files", end, len(files))
    return images


def _header(source: ImageSource) -> Header | str:
    """Decode an image: its size and mode, or what is wrong with it."""
    try:
        with _decoded(source) as (file, stored):
            is_cut = file.mode.startswith("RGB") and ";16" in str(file.tile)
            has_gaps = file.mode == "F" and not np.isfinite(np.asarray(file)).all()
            image = _plain(file)
            decoded = file.width * file.height
            header = Header(
                image.size, image.mode, has_gaps=has_gaps, decoded=decoded, stored=stored, is_cut=is_cut
            )
            if image.mode != "F":
                return header
            values = np.asarray(image)
            return replace(header, low=float(values.min()), high=float(values.max()))
    except Exception as error:  # noqa: BLE001  decoders raise anything on damaged files
        name = PurePath(str(source)).name
        return wording.one_line(error).replace(str(source), name) or type(error).__name__


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """Threads to decode images in, without PIL's warning of large ones."""
    with warnings.catch_warnings(), ThreadPoolExecutor() as threads:
        warnings.filterwarnings("ignore", "Image size", category=Warning)
        yield threads


@contextmanager
def _decoded(image: ImageSource) -> Iterator[tuple["ImageFile", int]]:
    """Open an image file, of so many bytes, to decode it; ValueError when it has far more pixels."""
    from PIL import Image  # noqa: PLC0415  slow to import

    content, size = opened(image)
    with Image.open(content, formats=FORMATS) as file:
        pixels = file.width * file.height
        if PIXEL_BYTES.get(file.mode, MOST_PIXEL_BYTES) * pixels > TIMES * size + SPARE_BYTES:
            raise ValueError(f"{file.width} x {file.height} pixels in {size:,} bytes")
        with _one_large if pixels > ALONE_PIXELS else nullcontext():
            yield file, size


def _in_colour(image: ImageSource, side: int) -> npt.NDArray[np.uint8]:
    """The pixels of an image file in colour (h, w, 3), of `side` to 2 side pixels where it has so many."""
    from PIL import Image  # noqa: PLC0415  slow to import

    with _decoded(image) as (file, _):
        file.draft("RGB", (side, side))  # of JPEG, fewer pixels are decoded
        plain = _plain(file)
    if plain.mode == "F":
        values = np.asarray(plain)
        shares = np.clip(values / max(float(values.max()), 1.0), 0, 1)
        plain = Image.fromarray((shares * 255).astype(np.uint8))
    return np.asarray(plain.reduce(max(1, min(plain.size) // side)).convert("RGB"))


def _fitted(image: "Image", size: tuple[int, int], background: float) -> "Image":
    """Scale an image to fit into the size, centred on the background.

    Not ImageOps.pad, which scales images that are much thinner than the size to a width of 0.
    """
    from PIL import Image  # noqa: PLC0415  slow to import

    if image.size == size:
        return image
    scale = min(size[0] / image.width, size[1] / image.height)
    width, height = (max(1, round(scale * side)) for side in image.size)
    color: Any = background
    if image.mode != "F":
        color = 0
    fitted = Image.new(image.mode, size, color)
    scaled = image.resize((width, height), Image.Resampling.BOX)
    fitted.paste(scaled, ((size[0] - width) // 2, (size[1] - height) // 2))
    return fitted


def _plain(image: "Image") -> "Image":
    """Turn an image upright, without transparency, into RGB, 8-bit grey, or the numbers of deeper grey."""
    from PIL import Image, ImageOps  # noqa: PLC0415  slow to import

    ImageOps.exif_transpose(image, in_place=True)
    upright = image
    if upright.mode[:1] in "IF":  # 16 and 32 bits a pixel
        values = np.asarray(upright, dtype=np.float32)
        return Image.fromarray(np.where(np.isfinite(values), values, np.float32(0)))
    mode = "L" if upright.mode in WITHOUT_COLOUR else "RGB"
    if upright.mode in WITH_ALPHA or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return upright if upright.mode == mode else upright.convert(mode)


def _common_size(sizes: Counter[tuple[int, int]]) -> tuple[int, int]:
    """The one size, or the median width and height, scaled down to LONGEST_SIDE."""
    each = np.repeat(list(sizes), list(sizes.values()), axis=0)  # (m, 2) of every image
    width, height = np.median(each, axis=0).tolist()
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(LEAST_SIDE, round(scale * width)), max(LEAST_SIDE, round(scale * height))


def _relative(image: ImageSource, base: Path) -> str:
    path = PurePath(str(image))
    if path.is_relative_to(base):
        path = path.relative_to(base)
    return wording.writable(path.as_posix())
