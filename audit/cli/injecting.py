"""`audit inject`."""

from collections import Counter
from typing import Annotated

from audit.cli.app import COMMAND, DATA, NOISE, RUN, app
from audit.settings.choices import KINDS
from audit.settings.data import DataSettings
from audit.settings.detect import Config
from audit.settings.fields import flat
from audit.settings.inject import InjectSettings
from audit.settings.noise import NoiseOptions, NoiseSettings
from audit.settings.report import RunSettings


@app.command
def inject(
    data: Annotated[DataSettings, DATA] = DataSettings(),
    settings: Annotated[InjectSettings, COMMAND] = InjectSettings(),
    noise: Annotated[NoiseSettings, NOISE] = NoiseSettings(),
    noise_options: Annotated[NoiseOptions, NOISE] = NoiseOptions(),
    run: Annotated[RunSettings, RUN] = RunSettings(),
) -> None:
    """Write a copy of a data set with known defects and optional label noise, and the ground truth."""
    from audit.cli import terminal  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.pipeline import inject as injecting  # noqa: PLC0415  numpy and pandas are slow to import

    if not noise.asked:
        noise = NoiseSettings(noise=0.0, noise_kind=noise.noise_kind)
    config = Config.of(**flat(data, noise, noise_options, run))
    done, files = injecting.inject_spec(config, settings)
    counts = Counter(done.kind)
    found: dict[str, int] = {kind: counts[kind] for kind in KINDS if counts[kind] and kind != "none"}
    terminal.print_facts({"rows": len(done.kind), **found, "written": [str(path) for path in files]})
