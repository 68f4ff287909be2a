"""The constants of the label model: what each means, and where it was chosen.

`README.md` in this folder has the model. Constants were chosen on noise seeds 0 to 2; benchmarks report
others.
"""

from dataclasses import dataclass

TINY = 1e-12  # keeps logarithms and quotients finite


@dataclass(frozen=True)
class Tuning:
    """Constants of the label model; 0013 and so on are pages of docs/decisions."""

    # The rows that the map is fitted on. Rows are evenly spaced where not all of them are taken.
    first_rows: int = 20_000  # in the first rounds, at most
    most_cells: int = 2_000_000  # rows times classes, at most, in any round
    agreed: float = 0.99  # p(given label) from which a row is thinned out in the last rounds (0014)
    agreed_rows: int = 5000  # that stand for all of those (0014)

    # The map. Precisions are those of the Gaussian prior on its weights.
    least_prob: float = 1e-9  # a predicted probability is taken to be at least this
    most_mapped_classes: int = 200  # data with more classes keep the two parameters of the centre
    tight_precision: float = 4000.0  # between classes without a flow of labels
    loose_precision: float = 1.0  # between classes with a strong flow
    free_precision: float = 6400.0  # times k over the rows in doubt, once doubt is ambiguity (0014)
    most_steps: int = 40  # of the optimiser

    # T, counted on anchor points: the rows of a believed class whose p_true is highest. Taking more rows than
    # most_anchors would count mistakes of the network as noise, fewer than least_anchors are too few.
    sure: float = 0.9  # p_true from which a row is an anchor point, within the two shares below
    least_anchors: float = 0.5  # share of a class's rows
    most_anchors: float = 0.95
    plain_rounds: int = 2  # counts on all anchor points
    separated_rounds: int = 2  # then counts pair by pair, on separated anchor points (0013)
    separated: float = 0.5  # share of the anchor points of i that counts for the pair i, j (0013)
    surest: float = 0.7  # share of the anchor points that holds few rows between two classes (0015)
    prior_rows: float = 2.0  # that the first guess of T counts for in each row of T
    log_concentrations: tuple[float, float] = (-3.0, 12.0)  # from no shrinkage of counts to full shrinkage
    least_wrong: float = 0.5  # wrong labels in all, where none is counted (0013)

    # Flow: the share of labels that go from one class to another. Where it is strong, the likelihood cannot
    # tell noise that the network has learned from ambiguity.
    strong_flow: float = 0.15
    flow_steepness: int = 6  # of the fade around strong_flow: 95 % is left at 0.6 times it, 5 % at 1.6 times

    # Learned noise: the gap between the errors that T and p_true expect, as a share of the doubt in p_true.
    ambiguous_gap: float = 0.25  # below, doubt is ambiguity; chosen on noise seed 0
    learned_gap: float = 0.5  # above, all doubt is noise that the network has learned
    sharpest: float = 20.0  # inverse temperature, at most

    # Noise that depends on the example.
    sure_error: float = 0.1  # p(given label is true) below which a row is a sure error
    concentrated: float = 0.8  # classes more of whose errors go to one other class are left out
    least_errors: int = 50  # fewer say nothing
    dependent_weight: float = 0.25  # of the row's own probabilities, from which noise depends on the example
    standard_errors: float = 2.0  # that are taken off what ambiguity leaves unexplained (0015)
    explained: float = 0.3  # share left unexplained up to which all is taken to be ambiguity (0016)
    unexplained: float = 0.4  # share from which all is taken to depend on the example (0016)
    clear: float = 0.06  # mean doubt up to which data are clear; from twice that on they are hard (0016)


TUNING = Tuning()
