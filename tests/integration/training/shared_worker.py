"""A worker of a shared study, as a process of its own: address, name, trials, and where to stop.

Told to stop in a trial it says so on its output and waits there to be killed.
"""

import sys
import time

from adapters.optuna.study import Scored, search

SPACE = {"share": ("float", 0.0, 1.0)}


def main() -> None:
    address, name, trials, stop = sys.argv[1:]
    mine = 0

    def objective(number: int, drawn: dict[str, float]) -> Scored:
        nonlocal mine
        mine += 1
        sys.stdout.write(f"trial {number}\n")
        sys.stdout.flush()
        if mine == int(stop):
            time.sleep(600)
        return Scored((drawn["share"] - 0.6) ** 2, (float(number), 0.5))

    search(SPACE, objective, name=name, trials=int(trials), seed=7, storage=address)
    sys.stdout.write(f"made {mine}\n")


if __name__ == "__main__":
    main()
