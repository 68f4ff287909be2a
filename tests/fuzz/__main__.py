"""Read mutated files for as long as one likes: python -m tests.fuzz --files 100000."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does

from fuzz.readers import READERS, Place, fuzz


def main() -> None:
    """Fuzz the readers that are named, or all; exit with 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reader", choices=READERS, action="append", help="all when not given")
    parser.add_argument("--files", type=int, default=1000, help="for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first file")
    given = parser.parse_args()
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        for name in given.reader or READERS:
            found = fuzz(name, place, given.seed, range(given.first, given.first + given.files))
            print(f"{name}: {given.files:,} files, {len(found):,} faults", flush=True)
            faults += found
    for fault in faults:
        print(f"python -m tests.fuzz --files 1 --reader {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
