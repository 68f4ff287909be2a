"""Tables of images, with ids, unusual names of columns, paths of another system, and empty ones."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import audit
from audit import datasets
from audit.settings.detect import Config

N = 24


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with images 0000.png to 0023.png in a folder img."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "img").mkdir()
    for i in range(N):
        Image.new("L", (9, 9), 10 * i).save(tmp_path / "img" / f"{i:04d}.png")
    return tmp_path


def load(folder, settings=None, **columns):
    frame = pd.DataFrame({**columns, "label": ["cat", "dog"] * (N // 2)})
    frame.to_csv(folder / "t.csv", index=False)
    return datasets.load(Config.of(data=str(folder / "t.csv"), **(settings or {})))


def are_the_images(dataset, n=N):
    return dataset.X.shape == (n, 9, 9, 1) and dataset.X[:, 0, 0, 0].tolist() == [10 * i for i in range(n)]


AGES = list(range(20, 20 + N))
PATHS = [f"img/{i:04d}.png" for i in range(N)]


@pytest.mark.parametrize("column", ["img_path", "ImagePath", "photo", "x", "file_name"])
def test_a_column_whose_texts_end_like_images_is_one_of_paths_whatever_its_name(folder, column):
    dataset = load(folder, **{column: PATHS, "age": AGES})
    assert are_the_images(dataset)
    assert dataset.ids.tolist() == PATHS
    (note,) = dataset.notes
    assert note == (
        f"column {column!r} names image files, which are audited instead of age; --path-column names another "
        "column, or none"
    )
    features = load(folder, {"path_column": "none"}, **{column: PATHS, "age": AGES})
    assert features.feature_names == ("age",)


def test_names_of_images_that_are_not_there_are_no_paths(folder):
    dataset = load(folder, picture_of=[f"elsewhere/{i}.jpg" for i in range(N)], age=AGES, size=AGES[::-1])
    assert dataset.feature_names == ("age", "size")
    assert dataset.notes == ("columns left out: 'picture_of' (identifies images)",)


@pytest.mark.parametrize(
    "paths",
    [
        [f"img\\{i:04d}.png" for i in range(N)],
        [f".\\img\\{i:04d}.png" for i in range(N)],
        [f"C:\\data\\pets\\img\\{i:04d}.png" for i in range(N)],
        [f"/home/ada/pets/img/{i:04d}.png" for i in range(N)],
        [f"/img/{i:04d}.png" for i in range(N)],
        [f" img/{i:04d}.png" for i in range(N)],
    ],
)
def test_paths_of_another_system_or_folder_are_followed_as_far_as_they_go(folder, paths):
    dataset = load(folder, file=paths)
    assert are_the_images(dataset)
    assert dataset.ids.tolist() == paths


@pytest.mark.parametrize("column", ["file", "picture"])
@pytest.mark.parametrize("ending", [".png", ".PNG", ".jpg"])
def test_names_without_their_folder_lead_to_the_files(folder, column, ending):
    dataset = load(folder, **{column: [f"{i:04d}{ending}" for i in range(N)]})
    assert are_the_images(dataset)
    assert f"names '0000{ending}', which is read from {folder / 'img' / '0000.png'}" in dataset.notes[-1]


def test_paths_from_the_current_folder_are_found(folder):
    (folder / "tables").mkdir()
    assert are_the_images(load(folder / "tables", file=PATHS))


@pytest.mark.parametrize(
    "column", ["image_id", "img_id", "Image ID", "filename", "file_name", "image", "img"]
)
@pytest.mark.parametrize(
    "ids", [[f"{i:04d}" for i in range(N)], list(range(N)), [f"img/{i:04d}" for i in range(N)]]
)
def test_ids_lead_to_the_files_that_they_are_of(folder, column, ids):
    dataset = load(folder, **{column: ids})
    assert are_the_images(dataset)
    assert dataset.notes[0].startswith(f"column {column!r} holds the ids of image files, which are audited")


def test_ids_of_images_that_are_not_there_are_no_features(folder):
    dataset = load(folder, image_id=[f"{i:04d}" for i in range(100, 100 + N)], age=AGES)
    assert dataset.feature_names == ("age",)
    assert dataset.notes == ("columns left out: 'image_id' (identifies images)",)


def test_an_id_beside_features_is_no_id_of_images(folder):
    dataset = load(folder, id=list(range(N)), age=AGES)
    assert dataset.feature_names == ("age",)


def test_an_empty_path_is_named_with_its_row(folder):
    paths = [*PATHS[:-1], ""]
    with pytest.raises(audit.DataError) as caught:
        load(folder, file=paths)
    assert str(caught.value) == (
        f"column 'file' of {folder / 't.csv'} is empty in 1 of {N} rows, first in row {N - 1}, expected the path of an "
        "image; fill it in, or leave such rows out with --skip-broken"
    )
    dataset = load(folder, {"skip_broken": True}, file=paths)
    assert are_the_images(dataset, N - 1)
    assert "left out without the path of an image: 1 row" in dataset.notes


def test_the_parts_that_are_asked_for_may_have_any_name(folder):
    assert are_the_images(load(folder, {"path_column": "key"}, key=[f"{i:04d}" for i in range(N)], age=AGES))
    assert (np.diff(load(folder, age=AGES, size=AGES).labels) != 0).all()
