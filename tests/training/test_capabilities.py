import numpy as np
import pytest
from conftest import striped_images
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from audit.training import capabilities
from audit.training.models import cnn
from audit.types import Recipe, Training


def test_a_classifier_of_scikit_learn_offers_nothing_besides_and_each_question_has_its_default():
    model = LogisticRegression()
    assert not capabilities.embeds(model)
    assert not capabilities.reads_lazily(model)
    assert capabilities.margins(model).shape == (0,)
    assert capabilities.losses(model) == ()
    assert capabilities.device(model) == "cpu"
    assert capabilities.epochs(model) == 1
    assert capabilities.last_step(model) == (None, model)


def test_asking_for_what_a_classifier_lacks_is_an_error():
    model = LogisticRegression()
    with pytest.raises(TypeError, match="LogisticRegression returns no features"):
        capabilities.predict_with_features(model, np.zeros((2, 3)), np.asarray)
    for ask in (capabilities.network_weights, lambda model: capabilities.start_from(model, {})):
        with pytest.raises(TypeError, match="LogisticRegression cannot be trained on"):
            ask(model)


def test_the_last_step_of_a_pipeline_is_its_classifier():
    name, last = capabilities.last_step(make_pipeline(StandardScaler(), LogisticRegression(C=7)))
    assert (name, last.C) == ("logisticregression", 7)


def test_the_network_offers_everything():
    X, y = striped_images(60)
    training = Training(X.shape, 4, 1, Recipe(2, epochs_fixed=True), 1, "cpu", lambda _: None)
    model = cnn.build(training)
    assert capabilities.epochs(model) == 2
    model.fit(X, y)
    assert capabilities.reads_lazily(model)
    assert capabilities.margins(model).shape == (60,)
    assert len(capabilities.losses(model)) == 2
    assert capabilities.device(model) == "cpu"
    probs, features = capabilities.predict_with_features(model, X, np.asarray)
    assert probs.tobytes() == model.predict_proba(X).tobytes()
    assert features.shape[0] == 60
    other = cnn.build(training)
    capabilities.start_from(other, capabilities.network_weights(model))
    weights, started = capabilities.network_weights(model), capabilities.network_weights(other)
    assert all((started[name] == values).all() for name, values in weights.items())
