"""Everything at full count: ``python -m tests.reliability [KILLS_AND_DAMAGES] [SECONDS]``. Prints what held."""

import sys

from tests.reliability.crowds import readers, writers_without_locks
from tests.reliability.damages import damages
from tests.reliability.kills import kills
from tests.reliability.tally import Tally


def main():
    """Try everything; at most so many kills a call and damages a way, and so many seconds a crowd."""
    most, seconds = (int(given) for given in (sys.argv[1:] + [10**6, 120][len(sys.argv) - 1 :]))
    tally = Tally()
    damages(tally, most)
    readers(tally, seconds)
    writers_without_locks(tally, seconds)
    kills(tally, most)
    print(tally)
    for what, failures in tally.failures.items():
        print(what, *failures, sep="\n  ")
    sys.exit(bool(tally.failures))


if __name__ == "__main__":
    main()
