"""`audit inject`."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from audit.cli.app import app
from audit.cli.experiments import settings_without
from audit.settings.choices import KINDS
from audit.settings.detect import Config
from audit.settings.inject import InjectSettings

if TYPE_CHECKING:
    Filled = Config
else:
    of_models = "folds preset rounds repeats model balance pred_probs epochs augment jobs device"
    of_findings = "detector truth kinds kinds_of controls report_mb"
    Filled = settings_without(*of_models.split(), *of_findings.split())


@app.command
def inject(
    config: Annotated[Filled, Parameter(name="*")] = Filled(),  # noqa: B008  frozen
    settings: Annotated[InjectSettings, Parameter(name="*")] = InjectSettings(),  # noqa: B008  frozen
) -> None:
    """Write a data set with known defects, and label noise where it is asked for, and the truth beside it."""
    from audit.cli import terminal  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.pipeline import inject as injecting  # noqa: PLC0415  numpy and pandas are slow to import

    given = vars(config)
    asked = given["noise"] is not None or given["noise_kind"] == "matrix"
    done, files = injecting.inject_spec(Config(**{**given, **({} if asked else {"noise": 0.0})}), settings)
    counts = Counter(done.kind)
    facts = {
        "rows": len(done.kind),
        **{kind: counts[kind] for kind in KINDS if counts[kind] and kind != "none"},
    }
    terminal.print_facts({**facts, "written": [str(path) for path in files]})
