"""train/<class>/… and val/<class>/…: the folders of the first level are parts, those in them are classes."""

import numpy as np
import pytest
from PIL import Image

import audit
from audit import datasets
from audit.datasets.reread import reread
from audit.review.writers.change import Change
from audit.review.writers.forms import WRITERS
from audit.settings.detect import Config


def tree(folder, *paths):
    """A tree with three images, all different, in each of these folders."""
    count = 0
    for path in paths:
        (folder / path).mkdir(parents=True, exist_ok=True)
        for i in range(3):
            count += 1
            Image.new("L", (10, 10), count).save(folder / path / f"{path.replace('/', '-')}-{i}.png")
    return folder


def load(folder, **settings):
    return datasets.load(Config.of(data=str(folder), **settings))


CLASSES = ("train/cat", "train/dog", "train/owl")


@pytest.mark.parametrize(
    "other", ["val", "valid", "validation", "dev", "test", "Testing", "test_set", "val2017", "eval"]
)
def test_folders_of_parts_are_parts_and_say_so(tmp_path, other):
    dataset = load(tree(tmp_path, *CLASSES, f"{other}/cat", f"{other}/dog"))
    assert dataset.class_names == ("cat", "dog", "owl")
    assert set(dataset.part) == {"train", other}
    assert [each.split("/")[0] for each in dataset.ids] == dataset.part.tolist()
    note = dataset.notes[0]
    assert f"'{other}'" in note
    assert "read as parts of the data, and the folders in them as classes; --parts none" in note
    assert load(tmp_path, parts="none").class_names == tuple(sorted(["train", other]))


def test_a_part_without_folders_has_no_labels(tmp_path):
    dataset = load(tree(tmp_path, *CLASSES, "val/cat", "val/dog", "test"))
    assert dataset.class_names == ("cat", "dog", "owl")
    assert dataset.unlabelled.ids.tolist() == [f"test/test-{i}.png" for i in range(3)]
    assert "3 of 18 rows have no label" in " ".join(dataset.notes)


def test_one_part_alone_has_classes_too(tmp_path):
    dataset = load(tree(tmp_path, *CLASSES))
    assert dataset.class_names == ("cat", "dog", "owl")
    assert dataset.part is None


@pytest.mark.parametrize(
    "folders",
    [
        ("bus", "car", "train"),
        ("cat/train", "cat/val", "dog/train", "dog/val"),
        ("cat", "dog/small", "dog/large"),
    ],
)
def test_classes_stay_classes(tmp_path, folders):
    dataset = load(tree(tmp_path, *folders))
    assert dataset.class_names == tuple(sorted({each.split("/")[0] for each in folders}))
    assert dataset.part is None
    assert dataset.notes == ()


@pytest.mark.parametrize(
    "folders", [("train", "val"), ("train/a", "val/b"), (*CLASSES, "val/cat", "bus/cat")]
)
def test_what_may_be_parts_gets_a_line_with_the_setting(tmp_path, folders):
    note = " ".join(load(tree(tmp_path, *folders)).notes)
    assert "folders 'train', 'val' are read as classes, though parts of the data are called so" in note
    assert "--parts train,val reads the folders in them as classes" in note


def test_the_setting_names_parts_of_any_name(tmp_path):
    tree(tmp_path, "fold 1/cat", "fold 1/dog", "fold 2/cat", "fold 2/dog", "other/cat")
    dataset = load(tmp_path, parts="fold 1, fold 2")
    assert dataset.class_names == ("cat", "dog")
    assert set(dataset.part) == {"fold 1", "fold 2"}
    assert "subfolders that are no parts, left out: other" in dataset.notes
    with pytest.raises(
        audit.DataError, match=r"has no subfolder 'fold3' with images, found .*; check --parts"
    ):
        load(tmp_path, parts="fold3")


def test_a_folder_around_the_classes_is_named(tmp_path):
    tree(tmp_path, "pets/cat", "pets/dog")
    with pytest.raises(audit.DataError) as caught:
        load(tmp_path)
    assert str(caught.value).endswith(f"or IDX files; audit {tmp_path / 'pets'}, which has 2")


def test_moves_stay_in_their_part(tmp_path):
    folder = tree(tmp_path / "tree", *CLASSES, "val/cat", "val/dog")
    now = reread(datasets.open_source(Config.of(data=str(folder)).data))
    ids = now.ids.tolist()
    donors = np.arange(len(ids))
    donors[ids.index("val/cat/val-cat-0.png")] = ids.index("train/dog/train-dog-0.png")
    change = Change.none(now.codes, now.class_names, now.ids).with_donors(
        donors, np.zeros(len(ids), dtype=bool)
    )
    (tmp_path / "new" / "before").mkdir(parents=True)
    WRITERS["tree"](now.source.place, change, tmp_path / "new")
    moves = (tmp_path / "new" / "moves.csv").read_text(encoding="utf-8").splitlines()
    assert moves == ["from,to", "val/cat/val-cat-0.png,val/dog/val-cat-0.png"]
