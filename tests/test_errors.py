"""Every message that a person can meet: provoked, compared as a whole line, and listed in docs/errors.md."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import striped_images
from reviewing import document, finished, write
from sklearn.dummy import DummyClassifier

import audit
from audit import datasets
from audit.cli import app
from audit.datasets.unchanged import FileStates
from audit.events import Silent
from audit.experiments import impact
from audit.noise.rates import rates_in
from audit.pipeline.inject import inject_spec
from audit.pipeline.run import load_run
from audit.review import apply, merge
from audit.review.export import export
from audit.runs.gates import Gates, read_accepted
from audit.runs.outputs import Output, write_outputs
from audit.settings.detect import Config
from audit.settings.experiments import ImpactSettings, SweepSettings
from audit.settings.gates import Limits
from audit.settings.inject import InjectSettings

PAGE = (Path(__file__).parents[1] / "docs" / "errors.md").read_text(encoding="utf-8")
X, y = striped_images(60)
flat = X.reshape(60, -1).astype(float)
half = np.repeat([0, 1], 30)
rng = np.random.default_rng(0)
probs = rng.dirichlet(np.ones(4), 60)


def detect(*arguments, **settings):
    return lambda: audit.detect(*arguments, **settings)


def load(**settings):
    return lambda: datasets.load(Config.of(**settings))


def ready(labels, probabilities):
    return lambda: audit.find_issues(labels, probabilities)


def table(text, **settings):
    def provoke():
        Path("t.csv").write_text(text, encoding="utf-8")
        datasets.load(Config.of(data="t.csv", **settings))

    return provoke


def text(name, content):
    def provoke():
        Path(name).write_text(content, encoding="utf-8")
        datasets.load(Config.of(data=name))

    return provoke


def guidelines(content):
    def provoke():
        Path("g.md").write_text(content, encoding="utf-8")
        audit.detect(X, y, guidelines="g.md")

    return provoke


def archive(name, files):
    def provoke():
        with zipfile.ZipFile(name, "w") as packed:
            for each, content in files.items():
                packed.writestr(each, content)
        datasets.load(Config.of(data=name))

    return provoke


def sparse_matrix(**settings):
    def provoke():
        np.savez("S.npz", format=b"bsr", shape=[60, 2], data=[0.0])
        np.save("y.npy", y)
        datasets.load(Config.of(**settings))

    return provoke


def votes(text, **settings):
    def provoke():
        np.save("X.npy", flat)
        Path("votes.csv").write_text(text, encoding="utf-8")
        datasets.load(Config.of(X=Path("X.npy"), annotations=Path("votes.csv"), **settings))

    return provoke


def saved(**arrays):
    def provoke():
        np.savez("a.npz", **arrays)
        datasets.load(Config.of(data="a.npz"))

    return provoke


def folder(*names, **settings):
    def provoke():
        for name in names:
            Path("tree", name).parent.mkdir(parents=True, exist_ok=True)
            Path("tree", name).write_bytes(b"no image")
        Path("tree").mkdir(exist_ok=True)
        datasets.load(Config.of(data="tree", **settings))

    return provoke


def pipe():
    if os.name != "posix":
        pytest.skip("has no pipes that are files")
    os.mkfifo("pipe.csv")
    datasets.load(Config.of(data="pipe.csv"))


def cut_short():
    np.save("X.npy", flat)
    np.save("y.npy", y)
    Path("y.npy").write_bytes(Path("y.npy").read_bytes()[: 8 - 8 * len(y)])
    datasets.load(Config.of(X=Path("X.npy"), y=Path("y.npy")))


def elsewhere():
    h5py = pytest.importorskip("h5py")
    with h5py.File("a.h5", "w") as file:
        file.create_dataset("X", flat.shape, "f8", external=[("other", 0, flat.nbytes)])
        file["y"] = y
    datasets.load(Config.of(data="a.h5"))


def settings_file(text):
    def provoke():
        Path("audit.toml").write_text(text, encoding="utf-8")
        app(["detect", "digits"], exit_on_error=False)

    return provoke


def changed_in_place():
    np.save("X.npy", X)
    states = FileStates.of([Path("X.npy")])
    np.save("X.npy", X[:-1])
    states.refuse_changed()


class Stubborn(DummyClassifier):
    def fit(self, X, y):
        raise ValueError("not\nthese")


class Returning(DummyClassifier):
    """A classifier that returns the same row whatever it is asked."""

    def __init__(self, row):
        self.row = row

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.row, (len(X), 1))


class Plain:
    fit = predict_proba = None


class Fickle(Plain):
    def __init__(self, depth):
        self.depth = depth

    def get_params(self, deep):
        return {}


class Shy(Stubborn):
    def __repr__(self):
        return self.name


def no_model(training):
    return {}["depth"]


def one_row(images):
    return np.ones((1, 2))


def not_a_number(images):
    return np.full((len(images), 2), np.nan)


def applied(decisions=None, **settings):
    """Apply decisions, made by a function of a run's record, to that run."""

    def provoke():
        np.savez("d.npz", X=X, y=y)
        record = finished("run", data="d.npz")
        if callable(decisions):
            write(decisions(record))
        elif decisions:
            Path("decisions.json").write_text(decisions, encoding="utf-8")
        apply.apply("run", "decisions.json" if decisions else None, **settings)

    return provoke


def sweep(**settings):
    def provoke():
        from audit.experiments.sweep import sweep

        sweep(Config.of(data="wine"), SweepSettings(**{"noise": "0", **settings}), Silent())

    return provoke


def inject(out="new", **settings):
    def provoke():
        Path("other").mkdir()
        path = None if out is None else Path.cwd() if out == "." else Path(out)
        inject_spec(Config.of(data="wine", noise=0, out=path), InjectSettings(**settings))

    return provoke


def decided(actions, **changes):
    return lambda record: document(record, actions, **changes)


def entry(**values):
    """Decisions of which the first has other values."""

    def change(record):
        content = document(record, {0: "keep"})
        content["decisions"][0].update(values)
        return content

    return change


def changed(record):
    with np.load("d.npz") as arrays:
        spoilt = arrays["X"].copy()
    spoilt[7] = 0
    np.savez("d.npz", X=spoilt, y=y)
    return document(record, {7: "drop", 8: "keep"})


def merged(first, second):
    """Merge decisions of two kinds on one run."""

    def provoke():
        np.savez("d.npz", X=X, y=y)
        record = finished("run", data="d.npz")
        files = [write(each(record), name) for each, name in ((first, "a.json"), (second, "b.json"))]
        merge.merge_files(files, Path("m.json"))

    return provoke


def annotated(*tasks):
    """Apply an export of Label Studio with these tasks."""

    def provoke():
        np.savez("d.npz", X=X, y=y)
        finished("run", data="d.npz")
        Path("project.json").write_text(json.dumps(tasks), encoding="utf-8")
        apply.apply("run", "project.json")

    return provoke


def edited():
    applied(decided({0: "drop"}), out="out")()
    Path("out/keep.npy").write_bytes(b"mine")
    apply.apply("run", "decisions.json", out="out")


def spoilt():
    applied(decided({0: "drop"}), out="out")()
    Path("out/d.npz").unlink()
    apply.revert("out")


def exported(form):
    def provoke():
        np.savez("d.npz", X=flat, y=y)
        export(finished("run", data="d.npz"), form)

    return provoke


def accepted(text):
    def provoke():
        Path("a.csv").write_text(text, encoding="utf-8")
        read_accepted(Path("a.csv"))

    return provoke


def held(manifest):
    def provoke():
        Path("app").mkdir()
        Path("app/manifest.json").write_text(manifest, encoding="utf-8")
        detect(X, y, out="app", pred_probs=probs)()

    return provoke


def damaged():
    np.savez("d.npz", X=X, y=y)
    finished("run", data="d.npz")
    Path("run/suspects.npz").unlink()
    load_run("run")


def overwritten(path):
    def provoke():
        Path("run").mkdir()
        if path == "s.csv":
            Path(path).write_text("mine", encoding="utf-8")
        write_outputs([Output(Path(path), "--out", b"")], [Path("run")])

    return provoke


CHOICE = {"result": [{"type": "choices", "value": {"choices": ["0"]}}]}
with_nan = X.astype(float)
with_nan[2, 0, 0] = np.nan
CASES = {
    # settings
    "--noise must be a share from 0 to 1, found 1.5; 10 % is 0.1": detect(X, y, noise=1.5),
    "--folds must be a whole number of 2 or more, found 1": detect(X, y, folds=1),
    "--preset must be fast, default or thorough, found 'odd'": detect(X, y, preset="odd"),
    "--report-mb must be megabytes, 0.5 or more, found 0.1; 5 is the default": detect(X, y, report_mb=0.1),
    "--rounds must be 100 or less, found 1,000,000,000": detect(X, y, rounds=10**9),
    "g.md is empty, expected guidelines; write some, or leave --guidelines out": guidelines(""),
    "g.md has 100,001 bytes, expected guidelines of 100,000 or fewer; shorten them": guidelines("x" * 100_001),
    "g.md cannot be read as text (it holds null characters); save it as UTF-8 text": guidelines("a\0b"),
    "--report-mb must be megabytes, 1,000 or less, found inf; 5 is the default": detect(X, y, report_mb=float("inf")),
    r"--data must be UTF-8 text, found 'caf\udce9.csv'; rename it": load(data="caf\udce9.csv"),
    "unknown settings: 'colour', 'epoch' (did you mean epochs?); audit detect --help lists them": detect(X, y, colour="blue", epoch=3),
    "--X needs --y: the examples and their labels, both as .npy files": load(X=Path("X.npy")),
    "--y needs --X: the examples and their labels, both as .npy files; labels alone need --pred-probs": load(y=Path("y.npy")),
    "found both 'digits' and --X; give one data set or the other": load(data="digits", X=Path("a"), y=Path("b")),
    "--noise needs a model that is trained on the noisy labels, and --pred-probs has none; leave one of them out": load(pred_probs=Path("p.npy"), noise=0.1),
    "--controls needs labels that were changed on purpose, found --noise 0; give a rate, such as --noise 0.05": detect(X, y, noise=0, controls=5),
    "--truth must be consensus or process, found 'gospel'": detect(X, y, truth="gospel"),
    "--kinds must be some of mislabelled, ambiguous, atypical, low quality, duplicate, off-topic, none, comma-separated, found 'typo'": detect(X, y, kinds="ambiguous, typo"),
    "--kinds-of must be suspects or all, found 'some'": detect(X, y, kinds_of="some"),
    "--defects must be kinds with shares such as all:0.01 or ambiguous:0.01,off-topic:0.02 (of ambiguous, atypical, low quality, duplicate, off-topic), found 'odd:1'": inject(defects="odd:1"),
    "--defects asks for 534 rows, expected 178 or fewer; lower the shares": inject(defects="all:0.5"),
    "--other digits holds examples of (8, 8, 1), expected images of (13,) as in the data; give another, or leave it out": inject(other="digits"),
    "audit inject needs a new folder to write the data set to; give --out FOLDER": inject(out=None),
    "HERE is not empty; choose a new folder with --out": inject(out="."),
    "--noise-kind map needs a map; give one, as in --noise-map 0:1,1:0 (in Python class_map={0: 1, 1: 0})": detect(X, y, noise_kind="map"),
    # data sets
    "'nothing' is not a data set: expected mnist, mnist:train, mnist:test, digits, wine, breast_cancer, openml:NAME, a file that ends in .npz, .h5, .hdf5, .csv, .tsv, .jsonl, .ndjson, .json, .parquet, .zip, .tar, .tgz (tables of text and .tar also with .gz), a folder of images, or --X and --y; audit datasets lists them": load(data="nothing"),
    "none.npz does not exist (looked in HERE); check the path": load(data="none.npz"),
    "a.npz holds foo, expected two arrays called X and y, images and labels, x and y, data and labels or data and target; name yours with --x-name and --y-name": saved(foo=1),
    "t.csv has the columns a, b, expected one called label, labels, y, target or class; name the labels with --label-column": table("a,b\n1,2\n"),
    "t.csv has no column 'c', found a, b; check --label-column": table("a,b\n1,2\n", label_column="c"),
    "t.csv has no column 'c', found label, b; check --split": table("label,b\n1,2\n", split="c"),
    "split has shape (3,), expected (60,); give one part for each row": detect(X, y, split=[1, 2, 3]),
    "split is missing in 1 of 60 rows, first in row 2, expected a part for every row, such as train or test; fill it in": detect(X, y, split=["a", "b", None, *57 * ["a"]]),
    "groups has shape (3,), expected (60,); give one group for each row": detect(X, y, groups=[1, 2, 3]),
    "groups is missing in 1 of 60 rows, first in row 2, expected a group for every row, such as a patient or a document; fill it in": detect(X, y, groups=["a", "b", None, *57 * ["a"]]),
    "order is missing in 1 of 60 rows, first in row 0, expected a value for every row, such as a time; fill it in": detect(X, y, order=[np.nan, *range(59)]),
    "X has no column 'patient', found 'a', 'b'; give its name, or a value for each row": detect(pd.DataFrame(flat[:, :2], columns=["a", "b"]), y, groups="patient"),
    "t.csv has no column 'c', found label, b; check --group-column": table("label,b\n1,2\n", group_column="c"),
    "two.zip holds a.csv, b.jsonl, expected one table that ends in .csv, .tsv, .jsonl, .ndjson or .json, or images in folders of their classes; unpack it and give the file that you mean": archive("two.zip", {"a.csv": "", "b.jsonl": ""}),
    "out.zip has the entry '../a.csv', which leads out of it; pack it again": archive("out.zip", {"../a.csv": ""}),
    't.jsonl cannot be read as JSON (record 1 is not an object but [1]), expected a list of records, or a record in each line; save it so, for example with pandas.DataFrame.to_json(orient="records")': text("t.jsonl", '{"label": 0}\n[1]\n'),
    "t.tar cannot be read as a tar archive (truncated header); write or copy it again": text("t.tar", "no archive"),
    "S.npz holds a sparse matrix without labels; give it as --X S.npz, with the labels as --y": sparse_matrix(data="S.npz"),
    "S.npz holds a sparse matrix in the format 'bsr', expected csr, csc or coo; save matrix.tocsr()": sparse_matrix(X="S.npz", y="y.npy"),
    "t.csv has no column 'c', found label, b; check --order-column": table("label,b\n1,2\n", order_column="c"),
    "--keep-columns names 'age', expected columns of t: a, b; correct the name": table("label,a,b\n" + 15 * "1,2,3\n2,3,3\n", keep_columns="a,age"),
    "the order has 3 different values, expected 5 or more, one for each fold; use a finer time, or fewer --folds": detect(X, y, order=[i % 3 for i in range(60)]),
    "there are 3 groups, expected 5 or more, one for each fold; name smaller groups, or use fewer --folds": detect(X, y, groups=[i // 20 for i in range(60)]),
    "all 30 rows of the class '1' are in one group, expected two or more: models that judge them never saw the class; name smaller groups, or leave the class out": detect(flat, half, groups=np.where(half, 30, range(60))),
    "block 1 of 2 in order has rows of the class '0', but the second, which judges it, has none, expected some: models that judge them never saw the class; use fewer --folds, or leave the class out": detect(flat, np.repeat([0, 1], 30), order=range(60), folds=2),
    "block 4 of 5 in order has rows of the class '1', but the blocks before it have none, expected some: models that judge them never saw the class; use fewer --folds, or leave the class out": detect(flat, np.repeat([0, 1], [40, 20]), order=range(60)),
    "too many rows share one value of the order, or belong to one group: its blocks have 2, 0, 52, 0, 6 rows, expected some in each; use a finer time, or fewer --folds": detect(X, y, order=[0, 1, *[2] * 52, *range(3, 9)]),
    "split cannot be combined with X given as parts; leave split out": detect({"train": X}, {"train": y}, split=y),
    "X has the parts 'train', 'test' but y has 'train', expected the same; rename the parts, or add what is missing": detect({"train": X, "test": X}, {"train": y}),
    "X has the parts 'train' but y is of type ndarray, expected labels for each part; give both as {'train': …, 'test': …}": detect({"train": X}, y),
    "the part 'test' has no examples; give them, or leave the part out": detect({"train": X, "test": None}, {"train": y, "test": y}),
    "the part 'test' has 59 labels for 60 examples; there must be one for each, in the same order": detect({"train": X, "test": X}, {"train": y, "test": y[1:]}),
    "examples of the part 'test' have shape (4, 12, 1), those of 'train' (12, 12, 1); expected the same, with the same columns; fix one": detect({"train": X, "test": X[:, :4]}, {"train": y, "test": y}),
    "t.csv has no columns of features beside the labels; add numbers or categories": table("y\nu\nv\n"),
    "t.csv has two columns called 'a', expected different names; rename one": table("a,a,y\n1,2,3\n"),
    "tree has 0 images in 0 subfolders and 0 beside them, expected a subfolder of images for each of two or more classes, or IDX files; move the images into folders named by their class; texts go into a table of texts and labels": folder(),
    "tree has no subfolder 'fold1' with images, found 'a', 'b'; check --parts": folder("a/1.png", "b/1.png", parts="fold1"),
    "column 'file' of t.csv is empty in 1 of 3 rows, first in row 1, expected the path of an image; fill it in, or leave such rows out with --skip-broken": table("file,y\na.png,u\n,v\nb.png,u\n"),
    "2 of 2 files cannot be read as images, first tree/a/1.png (cannot identify image file '1.png'); fix them, or leave them out with --skip-broken": folder("a/1.png", "b/1.png"),
    "pipe.csv cannot be read (it is a pipe, expected a file); check the path": pipe,
    "y.npy cannot be read as a NumPy file (its header promises 480 bytes, but 8 follow); save it with numpy.save or numpy.savez": cut_short,
    "t.csv cannot be read (it has a line of more than 100,000 fields), expected a table in UTF-8 whose first line names the columns; save it so": table(200_001 * ","),
    "a.h5[X] keeps its rows in other files, expected them in its own; copy all into one file, for example with h5repack": elsewhere,
    # examples
    "y has 59 entries but X has 60 rows; there must be one label for each row, in the same order": detect(X, y[1:]),
    "X has shape (60,), expected images (n, h, w), (n, h, w, c) or (n, c, h, w), or features (n, d); reshape it": detect(flat[:, 0], y),
    "X holds images of 4 x 4 pixels (shape (60, 4, 4, 1)), expected 8 x 8 or more; scale them up, or give numbers that are not pixels as features (n, d)": detect(X[:, :4, :4], y),
    "X has NaN or infinite pixels, first in row 2; expected finite numbers; leave out such rows or use numpy.nan_to_num": detect(with_nan, y),
    "X has infinite values, first in row 0; expected finite numbers or NaN for a missing one; replace them or leave out such rows": detect(np.full((60, 3), np.inf), y),
    "X has the value 1e+300 in row 0, column 0, expected numbers from -1e+100 to 1e+100; give them in a larger unit, or leave them out": detect(np.full((60, 3), 1e300), y),
    # several people's labels
    "votes.txt is not a file of annotations, expected one that ends in .csv, .csv.gz, .tsv, .parquet or .npy; save it so": load(data="digits", annotations=Path("votes.txt")),
    "votes.csv has the columns row, label, expected a line for each label, with the columns row, annotator and label, or a column for each annotator; rename its columns": votes("row,label\n0,a\n"),
    "votes.csv has 1 line but X.npy has 60 rows, expected one for each, or a column that says which row each line is about; call it row, id or path": votes("ada,bob\na,b\n"),
    "votes.csv names the row '77', expected a row number from 0 to 59; correct it, or leave such lines out": votes("row,annotator,label\n77,ada,a\n"),
    "votes.csv has nothing in column 'annotator' in 1 line, first in line 2 below the names of columns, expected a line for each label, with the columns row, annotator and label; fill it in": votes("row,annotator,label\n0,ada,a\n1,,b\n"),
    "votes.csv has no labels, expected a line for each label, with the columns row, annotator and label, or a column for each annotator; fill it in": votes("row,annotator,label\n"),
    "annotations has shape (60,), expected (n, annotators), or a frame with a line for each label, with the columns row, annotator and label; reshape it": detect(flat, annotations=half),
    "annotations has the labels a, b, expected those of the data: 0, 1; spell them alike": detect(flat, half, annotations=np.array([["a", "b"]] * 60)),
    "annotations has an annotator of 2,000 letters ('wwwwwwwwwwwwwwwwwwwwwwwwwww...wwwwwwwwwwwwwwwwwwwwwwwwwwww'), expected names of 1,000 or fewer; shorten them": detect(flat, annotations=pd.DataFrame({"w" * 2000: half})),
    "--detector votes needs rows that several people labelled, found none; give --annotations, or leave it out": detect(flat, half, detector="votes"),
    # labels
    "y needs at least two classes, found only '0'": detect(X, 0 * y),
    "y holds 1 (row 0) beside 'NA' (row 2), expected classes: integers, strings or booleans, one for each row; if 'NA' means \"no label\", leave it out with --missing NA (in Python missing='NA')": detect(X, [1, 2, "NA"] * 20),
    "y has only one example in 1 of 3 classes, such as '9'; expected two or more in each, because the models that judge an example learn its class from others; leave such classes out with --min-class-size 2, or add examples": detect(X, np.where(np.arange(60) == 5, 9, y % 2)),
    "y needs at least two classes of 40 examples or more, found 1; lower --min-class-size, or add examples": detect(X, (np.arange(60) < 45).astype(int), min_class_size=40),
    "--limit 5 leaves 2 examples in 1 of the 4 classes of y, expected them in two or more; raise it to 8": detect(X, y, limit=5),
    "y holds 60 different measurements such as 0.5 (row 0), expected classes: integers, strings or booleans, one for each row; a regression target cannot be audited; if these are classes, give them as strings": detect(X, np.arange(60) + 0.5),
    "y has shape (60, 4), expected classes: integers, strings or booleans, one for each row, or one-hot rows with exactly one 1, but row 0 is [0.25, 0.25, 0.25, 0.25]; soft labels are not audited: give the most probable class of each row (argmax)": detect(X, np.full((60, 4), 0.25)),
    "the largest class has 3 distinct examples, expected 5 or more, one for each fold; use --folds 3": detect(X[:6], [0, 0, 0, 1, 1, 1], noise=0),
    "y has a class of 1,001 letters ('zzzzzzzzzzzzzzzzzzzzzzzzzzz...zzzzzzzzzzzzzzzzzzzzzzzzzzzz'), expected names of 1,000 or fewer; give its classes shorter names": detect(X, np.where(half, "a", 1001 * "z")),
    # models
    "--model 'forest' is not a model; expected auto, cnn, linear, boosting, ridge, text or package.module:build": detect(X, y, model="forest"),
    "audit.toml asks for the model evil:build, which is code that a settings file may not run; if you trust it, say so with --model evil:build or AUDIT_MODEL": settings_file('model = "evil:build"'),
    "--model cnn reads images, found features of shape (60, 144); use linear or boosting": detect(flat, y, model="cnn"),
    "model of type Plain has no get_params; expected a scikit-learn classifier, or a name": detect(flat, y, model=Plain()),
    "model of type Shy cannot be printed (AttributeError: 'Shy' object has no attribute 'name'), which tells runs apart; fix its __repr__": detect(flat, y, model=Shy()),
    "model of type Fickle cannot be copied for each fold (TypeError: Fickle.__init__() missing 1 required positional argument: 'depth'); fix its constructor": detect(flat, y, model=Fickle(2)),
    "--model test_errors:no_model could not build a classifier (KeyError: 'depth'); fix the builder": detect(flat, y, model="test_errors:no_model"),
    "the model cannot be trained on fold 0, examples of shape (48, 144): ValueError: not these; choose another with --model, or check X": detect(flat, y, model=Stubborn(), jobs=1),
    "predict_proba of the model Returning on fold 0 has values from -3 to 3, expected 0 to 1: they look like logits; make predict_proba return probabilities, such as with a softmax as the last layer of a network, or choose another with --model": detect(flat, y, model=Returning([3.0, -3.0, 0.0, 0.0])),
    "predict_proba of the model Returning on fold 0 has NaN or infinite values in 12 of 12 rows, first in row 0, expected numbers from 0 to 1; the model did not learn: scale X, for example to 0..1, or choose another with --model": detect(flat, y, model=Returning([np.nan, 0.0, 0.0, 0.0])),
    "arrays has texts, expected numbers or categories; leave --model out, which then is text": detect(60 * ["a text"], y, model="linear"),
    "arrays has no texts, numbers or categories beside its labels, which the built-in models could read; give --pred-probs, or a model of your own with --model package.module:build": detect(60 * [{"a": "record"}], y),
    "--model text reads texts, found features of shape (60, 144); name the columns of texts with --text-column, or leave --model out": detect(flat, y, model="text"),
    "X has no column 'txt', found text; check --text-column": detect(pd.DataFrame({"text": 60 * ["a text"]}), y, text_column="txt"),
    "sample_weight must be finite numbers of 0 or more, not all of them 0; correct it": detect(X, y, sample_weight=0 * y),
    # embeddings
    "--embed 'resnet18' is not an embedder; expected timm:NAME, sentence-transformers:NAME, package.module:function or a file features.npy": detect(X, y, embed="resnet18"),
    "audit.toml asks for the embedder evil:embed, which is code that a settings file may not run; if you trust it, say so with --embed evil:embed or AUDIT_EMBED": settings_file('embed = "evil:embed"'),
    "--embed f.npy: there is no such file (looked in HERE); check the path": detect(X, y, embed="f.npy"),
    "embed has shape (60,), expected features (n, d), a row for each example; reshape it": detect(X, y, embed=y),
    "--embed has features of 59 rows but X has 60 rows; there must be features for each row, in the same order": detect(X, y, embed=flat[:59]),
    "--embed test_errors:rng is of type Generator, expected a function from examples (m) to features (m, d); check the name": detect(X, y, embed="test_errors:rng"),
    "--embed test_errors:one_row returned an array of shape (1, 2) and dtype float64 for rows 0 to 59, expected numbers of shape (32, d), a row for each example; correct it": detect(X, y, embed="test_errors:one_row"),
    "--embed test_errors:no_model failed on rows 0 to 59 (KeyError: 'depth'); correct it": detect(X, y, embed="test_errors:no_model"),
    "embed has NaN, expected numbers, first in row 0; embed it again, or leave it out": detect(X, y, embed=np.full((60, 2), np.nan)),
    "--embed test_errors:not_a_number returned NaN or infinite values, first for row 0, expected finite numbers; correct it, or leave such rows out": detect(X, y, embed="test_errors:not_a_number"),
    # probabilities
    "pred_probs has values from -3 to 3, expected 0 to 1: they look like logits; apply softmax: scipy.special.softmax(pred_probs, axis=1)": ready([0, 1], [[3.0, -3.0], [1.0, 2.0]]),
    "row 1 of pred_probs sums to 1.4, expected 1, as in all (1 of 2 rows do not); predict such rows again, or leave them out with their labels": ready([0, 1], [[0.5, 0.5], [0.5, 0.9]]),
    "pred_probs has 59 rows for 60 labels, expected as many, in the same order; predict each labelled row once": ready(y, probs[1:]),
    "labels have 3 classes ('NA', 'cat', 'dog'), expected 2, one for each column, or integers 0 to 1; if 'NA' means \"no label\", leave it out with --missing NA (in Python missing='NA')": ready(["cat", "dog", "NA"] * 20, probs[:, :2]),
    "labels have 3 classes ('cat', 'dog', 'owl'), expected 2, one for each column, or integers 0 to 1; leave out labels of the other classes, or add what is missing": ready(["cat", "dog", "owl"] * 20, probs[:, :2]),
    "every row of pred_probs sums to 100, expected 1; divide by it: pred_probs / 100": ready(y, 100 * probs),
    "the columns of pred_probs are in another order than the classes ('0', '1', '2', '3'), expected the same: the likeliest class is the given label in 0.0 % of rows, but in 100.0 % if column 1 '0', column 2 '1', column 3 '2', column 0 '3' stand for these classes; reorder them: pred_probs[:, [1, 2, 3, 0]]": ready(y, np.eye(4)[(y + 1) % 4]),
    # decisions and corrected labels
    "there is nothing to apply: expected decisions.json, --accept-above or both; export decisions from the report": applied(),
    "--accept-above must be a share above 0 and up to 1, found 95; 95 % is 0.95": applied(accept_above=95),
    "decisions.json cannot be read as JSON (Expecting value: line 1 column 1 (char 0)); export it again from the report": applied("no"),
    "decisions.json is not a file of decisions: its format is 'coco', expected 'label-audit decisions'; give a file that was exported from a report": applied('{"format": "coco"}'),
    "decisions.json has version 2, expected 1; use the version of label-audit that made it, or export it again": applied(decided({}, version=2)),
    "decisions.json lacks reviewer, expected text; export it again from the report": applied('{"format": "label-audit decisions", "version": 1, "run": "", "fingerprint": "", "data": ""}'),
    "decisions[0].action of decisions.json is 'remove', expected keep, relabel, ambiguous or drop; export it again from the report": applied(entry(action="remove")),
    "decisions[0].label of decisions.json is None for the action relabel, expected a class; export it again from the report": applied(entry(action="relabel")),
    "decisions[0] of decisions.json names row 60, expected 0 to 59; give the run that was reviewed": applied(entry(row=60, id="60")),
    "decisions[0] of decisions.json gives row 0 the id '1', but in the run it is '0'; export it again from the report": applied(entry(id="1")),
    "decisions[0] of decisions.json has 'zebra' as label, expected a class of the run: '0, 1, 2, 3'; export it again from the report": applied(entry(action="relabel", label="zebra")),
    f"decisions[0] of decisions.json says that row 0 was labelled '{(y[0] + 1) % 4}', but in the run it was '{y[0]}'; export it again from the report": applied(entry(given=str((y[0] + 1) % 4))),
    "d.npz[X] has changed since the run, in 1 of 2 decided rows: the example of 7 has changed; audit it again, or take these decisions out": applied(changed),
    "run holds other files (conflicts.npy …); choose a new folder with --out": applied(decided({0: "keep"}), out="run"),
    "out/keep.npy was not written by audit apply, or has changed since; move it away, or choose another folder with --out": edited,
    "out/d.npz is missing or has changed since audit apply wrote it; the source itself was never changed; move the folder away and run audit apply again": spoilt,
    "nowhere holds no corrected labels, expected a folder made by audit apply; check the path": lambda: apply.revert("nowhere"),
    "a.json and b.json are both by 'Ada', expected different reviewers; give only the later file, or name the reviewers": merged(decided({}), decided({})),
    "b.json is about another run than a.json ('d', 'd'); merge decisions on one run": merged(decided({}), decided({}, reviewer="Bob", run="1")),
    "project.json has no annotation in 1 tasks, expected some; export the tasks again when people have annotated them": annotated({"id": 1, "data": {}, "annotations": []}),
    "task 1 of project.json has no data, expected an object; annotate the tasks that audit export RUN --format label-studio writes": annotated({"id": 1, "data": None, "annotations": [CHOICE]}),
    "task 1 of project.json lacks row, hash, given, suggested in its data, expected all; annotate the tasks that audit export RUN --format label-studio writes": annotated({"id": 1, "data": {}, "annotations": [CHOICE]}),
    "a.xml is an export of CVAT, which does not name its run; say which with --run": lambda: merge.merge_files([Path("a.xml")], Path("m.json")),
    "--format cvat needs images, but this run has none; use label-studio or csv": exported("cvat"),
    "--format must be one of label-studio, cvat, csv, jsonl, sarif, junit, found 'excel'": exported("excel"),
    # experiments and gates
    "--noise must be shares such as 0,0.1,0.5 or a range start:stop:step such as 0:1:0.1, found 'foo'": lambda: rates_in("0,foo"),
    "--noise must hold shares from 0 to 1, found '2'; 10 % is 0.1": lambda: rates_in("2"),
    "--noise 1:0:0.1 has no rates, expected start:stop:step, with a step above 0 and a stop not below start": lambda: rates_in("1:0:0.1"),
    "--noise 0:1:0.0001 has 10,001 rates, expected 1,001 or fewer; take a larger step": lambda: rates_in("0:1:0.0001"),
    "--noise-kind matrix has no rate to sweep, expected kinds that have one; leave it out": sweep(noise_kind="pair,matrix"),
    "--noise-kind names no kind, expected one or more separated by commas, such as symmetric,pair": sweep(noise_kind=","),
    "--seeds must be a whole number of 1 or more, found 0": sweep(seeds=0),
    "--what must be training or detection, found 'odd'": sweep(what="odd"),
    "--continue-model belongs to --what training, found detection; leave it out": sweep(what="detection", continue_model=True),
    "--continue-model keeps training one network, expected --model cnn and images, found linear; leave it out": sweep(continue_model=True),
    "--test-size must be a share below 1 of the 178 rows or a whole number of rows, found 2.5": sweep(test_size=2.5),
    "--test-size 178 leaves none of 178 rows to train on; lower it": sweep(test_size=178),
    "178 rows less 36 for testing and their copies leave 142 to train on, expected 150; lower --train-size or --test-size": sweep(train_size=150),
    "no Dask cluster answers at --cluster nowhere (ValueError), expected the address of a scheduler such as tcp://host:8786, or local:4; start one with: dask scheduler": detect(X, y, cluster="nowhere"),
    "--cluster local:0 is not 1 to 1,000 processes, expected the address of a scheduler such as tcp://host:8786, or local:4": detect(X, y, cluster="local:0"),
    "audit impact trains models of its own, found --pred-probs; leave it out": lambda: impact.impact(Config.of(pred_probs=Path("p.npy")), ImpactSettings(), Silent()),
    "--fail-over must be a share from 0 to 1, found 1.5": lambda: Limits(fail_over=1.5),
    "--max-new must be a whole number of 0 or more, found -1": lambda: Limits(max_new=-1, baseline=Path("run")),
    "--max-new counts the suspects that a baseline does not have, found no baseline; give --baseline RUN": lambda: Limits(max_new=5),
    "--accepted takes rows out of what --fail-over and --baseline count, found neither; give one of them, or leave --accepted out": lambda: Limits(accepted=Path("a.csv")),
    "--fail-under needs labels that were changed on purpose, found --noise 0; give a rate, such as --noise 0.1": lambda: Gates.of(Limits(fail_under=0.9), Config.of(noise=0)),
    "a.csv lacks the column 'reason', expected id, given, reason, expires; add it": accepted("id,given,expires\n"),
    "a.csv gives no reason for id '7' in line 2, expected why that row is accepted; write one": accepted("id,given,reason,expires\n7,a,,2030-12-31\n"),
    "a.csv has expires 'soon' for id '7' in line 2, expected a date such as 2030-12-31; write one": accepted("id,given,reason,expires\n7,a,why,soon\n"),
    # runs
    "X.npy changed while it was audited, expected the same data until the end; what was found is not kept, only folds that were finished before; leave the data unchanged and run the same command again": changed_in_place,
    "nowhere is not a folder, expected a run made by audit detect; check the path": lambda: load_run("nowhere"),
    "app holds a manifest.json of something else and no run; choose a new folder with --out": held('{"name": "my web app"}'),
    "app holds a run of another format (5, expected 6), made by another version of label-audit; choose a new folder with --out": held('{"format": 5, "stages": {}}'),
    "run/suspects.npz is damaged (missing); audit detect with the settings of the run and --out run makes that step again": damaged,
    "s.csv exists; remove it, or choose another --out, or give --force to replace it": overwritten("s.csv"),
    "run/s.csv is read by this command, expected a new file; choose another --out": overwritten("run/s.csv"),
    "--out is empty, expected a path; give one, or leave it out": load(out=""),
}  # fmt: skip


@pytest.mark.parametrize("message", CASES)
def test_every_mistake_has_its_line_and_every_line_its_place_on_the_page(message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(audit.AuditError) as caught:
        CASES[message]()
    assert str(caught.value).replace(str(tmp_path), "HERE") == message
    assert f"`{message}`" in PAGE


def test_the_page_lists_no_line_that_is_not_provoked_here():
    lines = [row.split("`")[1] for row in PAGE.splitlines() if row.startswith("| `")]
    assert sorted(lines) == sorted(CASES)


def test_a_series_with_another_index_is_taken_by_position():
    frame = pd.DataFrame({"a": np.arange(60.0), "kind": y}, index=np.arange(100, 160))
    assert datasets.from_arrays(frame, "kind").ids.tolist() == list(range(60))
