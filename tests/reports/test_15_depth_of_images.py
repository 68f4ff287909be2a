"""Images of more than 8 bits: their numbers are data, and no file or type has a scale of its own."""

import numpy as np
import pytest
from PIL import Image

import audit
from audit.datasets.sources.folders import load_tree
from audit.events import Silent
from audit.report.selection import _to_bytes
from audit.settings.data import DataSettings


def tree(folder, images, ending):
    for i, image in enumerate(images):
        path = folder / "ab"[i % 2] / f"{i:03d}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return load_tree(folder, DataSettings(), Silent())


def in_order(images):
    """Images in the order of their paths."""
    return np.concatenate([images[::2], images[1::2]])


@pytest.mark.parametrize(
    ("dtype", "ending", "most"),
    [
        (np.uint16, "png", 240),
        (np.uint16, "png", 4095),
        (np.uint16, "tif", 65535),
        (np.int32, "tif", 100_000),
        (np.float32, "tif", 700),
        (np.float32, "tif", 1),
        (np.float32, "tif", 1e-3),
    ],
)
def test_numbers_of_any_depth_stay_as_they_are(tmp_path, dtype, ending, most):
    rng = np.random.default_rng(0)
    images = (rng.random((8, 9, 11)) * most * np.linspace(0.2, 1, 8)[:, None, None]).astype(dtype)
    source = tree(tmp_path, images, ending)
    np.testing.assert_array_equal(np.asarray(source.X)[..., 0], in_order(images).astype(np.float32))
    assert source.notes == ()


def test_brightness_alone_may_be_the_class(tmp_path):
    rng = np.random.default_rng(0)
    levels = np.array([100, 700])[np.arange(80) % 2][:, None, None]
    images = (levels * rng.uniform(0.9, 1.1, (80, 10, 10))).astype(np.float32)
    source = tree(tmp_path, images, "tif")
    run = audit.detect(np.asarray(source.X), source.y, noise=0, model="linear", preset="fast")
    assert run.record.scores.accuracy.given == 1


def test_one_factor_scales_all_beside_images_of_8_bits(tmp_path):
    deep = [np.full((9, 9), level, np.uint16) for level in (400, 800, 1200, 1600)]
    plain = [np.full((9, 9), level, np.uint8) for level in (10, 20)]
    source = tree(tmp_path, [*deep, *plain], "png")
    assert source.X.dtype == np.uint8
    assert np.asarray(source.X)[:, 0, 0, 0].tolist() == [63, 191, 10, 127, 255, 20]
    assert source.notes == ("4 images of more than 8 bits, beside others of 8 bits: scaled by 255 / 1600",)


def test_images_of_several_sizes_keep_their_range(tmp_path):
    images = [np.full((12, 12 + 4 * (i % 2)), 1500 + i, np.uint16) for i in range(6)]
    source = tree(tmp_path, images, "png")
    assert np.asarray(source.X).min() >= 1500
    assert np.asarray(source.X).max() == 1505


def test_gaps_get_a_line(tmp_path):
    images = np.full((4, 9, 9), 5, np.float32)
    images[1, 2, 2] = np.nan
    source = tree(tmp_path, images, "tif")
    assert source.notes == ("1 image with NaN or infinite pixels, which are read as 0",)
    assert np.isfinite(source.X).all()


def test_small_pictures_show_the_range_that_there_is():
    images = np.linspace(1300, 1700, 8 * 64).reshape(8, 8, 8, 1)
    shown = _to_bytes(images)
    assert (shown.min(), shown.max()) == (0, 254)
    assert _to_bytes(np.linspace(100, 700, 64).reshape(1, 8, 8, 1)).min() == 36
