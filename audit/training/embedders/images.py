"""Pretrained networks for images, of timm."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from audit.errors import ConfigError, DataError
from audit.settings.fields import unknown_names
from audit.training.embedders import hub
from audit.training.embedders.embedder import BATCH, Embedder

PREFIX = "timm:"
HUBS = ("hf-hub:", "hf_hub:", "local-dir:")  # where a name of timm's may lead


def named(asked: str, device: str) -> Embedder:
    """The network of timm that `timm:NAME` or `timm:NAME@FILE` names, without its last layer.

    Images go through the transformation that the network was tested with (Wightman, PyTorch Image Models):
    scaled and cropped to its own input size.

    Raises
    ------
    AuditError
        When timm is not installed, has no such network, or its weights are nowhere.
    """
    name, _, file = asked.removeprefix(PREFIX).partition("@")
    timm = hub.imported("timm", asked, "vision")
    _refuse_unknown(timm, name)
    source: dict[str, Any] = {}
    if file:
        source = {"pretrained_cfg_overlay": {"state_dict": _weights(Path(file), asked)}}
    remedy = "give weights of this network"
    if not file:
        remedy = (
            "where its weights cannot be downloaded, download them elsewhere and give the file: --embed "
            f"{PREFIX}{name}@FILE.safetensors"
        )
    with hub.loading(asked, remedy):
        network = timm.create_model(name, pretrained=True, num_classes=0, **source).eval()
        config = timm.data.resolve_model_data_config(network)
        transform = timm.data.create_transform(**config, is_training=False)
    run = _Network(network.to(hub.device_of(device)), transform)
    side = int(max(config["input_size"][1:]))
    return Embedder(
        name=asked,
        embed=run,
        decides={
            "weights": hub.digest_of(network),
            "transform": " ".join(repr(transform).split()),
            **{package: version(package) for package in ("timm", "torch", "torchvision", "pillow")},
        },
        reads="images",
        side=2 * side,  # to be scaled down from
        note=f"; images of other sizes are scaled and cropped to its {side} x {side} pixels",
    )


def _refuse_unknown(timm: Any, name: str) -> None:
    """ConfigError for a name that timm does not have, with the one that looks most like it."""
    architecture = name.partition(".")[0]
    if name.startswith(HUBS) or timm.is_model(architecture):
        return
    (found,) = unknown_names([architecture], timm.list_models()) or [repr(name)]
    raise ConfigError(f"--embed {PREFIX}{name}: timm has no network {found}; timm.list_models() lists them")


def _weights(file: Path, asked: str) -> Any:
    """The weights in a file; nothing in it is run."""
    if not file.is_file():
        raise DataError(
            f"--embed {asked}: there is no file {file} (looked in {Path.cwd()}), expected weights; check the "
            "path"
        )
    with hub.loading(asked, "give weights that were saved by safetensors or torch.save"):
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file  # noqa: PLC0415  comes with timm

            return load_file(file)
        return torch.load(file, map_location="cpu", weights_only=True)


class _Network:
    """A network and the transformation of its input; always run on BATCH images, for equal last digits."""

    def __init__(self, network: torch.nn.Module, transform: Any) -> None:
        self.network = network
        self.transform = transform
        self.device = next(network.parameters()).device

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        """The features (m, d) of up to BATCH images (h, w, 3), whatever their sizes."""
        from PIL import Image  # noqa: PLC0415  slow to import

        inputs = torch.stack([self.transform(Image.fromarray(image)) for image in images])
        padding = inputs[-1:].expand(BATCH - len(inputs), *inputs.shape[1:])
        with torch.inference_mode():
            found = self.network(torch.cat([inputs, padding]).to(self.device))
        return np.asarray(found[: len(images)].float().cpu())
