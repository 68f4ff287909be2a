"""Documents of which one value is something else."""

import copy

SCALARS = [None, True, -1, 0, 3, 10**30, -0.5, 1e308, "", "x", "\ud800", [], [1], {}, {"a": 1}, "../../x"]


def nodes(value, path=()):
    """The paths of all values in a JSON document."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from nodes(item, (*path, key))


def mutated_json(document, rng):
    """The document with one value replaced, removed or repeated."""
    document = copy.deepcopy(document)
    paths = [path for path in nodes(document) if path]
    *way, last = paths[rng.integers(len(paths))]
    place = document
    for key in way:
        place = place[key]
    if rng.random() < 0.2:
        del place[last]
    elif isinstance(place, list) and rng.random() < 0.2:
        place.append(copy.deepcopy(place[last]))
    else:
        place[last] = copy.deepcopy(SCALARS[rng.integers(len(SCALARS))])
    return document
