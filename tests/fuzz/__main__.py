"""``python -m tests.fuzz``: random calls against the reference, under every instruction set."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all instruction sets")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="of the first")
    parser.add_argument("--isa", help="this instruction set only")
    parser.add_argument("--case", type=int, help="this seed only")
    return parser.parse_args()


def search(isa: str, seed: int, seconds: float) -> int:
    """Cases with this seed and the following ones, until time is up or one fails."""
    from tests.fuzz import assignments, cases, histograms, matches, reductions, sums, tiles

    targets = [histograms, cases, sums, reductions, matches, assignments, tiles]
    deadline = time.monotonic() + seconds
    first = seed
    while time.monotonic() < deadline or seed == first:
        target = targets[seed % len(targets)]
        case = target.draw(seed)
        try:
            target.check(case)
        except Exception as error:  # noqa: BLE001 - any is a finding
            print(f"{error}\n{case}\nagain: python -m tests.fuzz --isa {isa} --case {seed}")
            return 1
        seed += 1
    print(f"{isa}: {seed - first} cases from seed {first}, all equal", flush=True)
    return 0


def search_all(seed: int, seconds: float) -> int:
    """Every instruction set in a process of its own, for it is chosen at import."""
    import pyparallel as pp

    names = pp.config()["isa_available"]
    options = ["--seed", str(seed), "--seconds", str(seconds / len(names))]
    codes = [
        subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--isa", isa, *options],
            check=False,
        ).returncode
        for isa in names
    ]
    return max(codes)


def main() -> int:
    args = parse()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if args.isa is None:
        return search_all(args.seed, args.seconds)
    os.environ["PYPARALLEL_ISA"] = args.isa
    if args.case is not None:
        return search(args.isa, args.case, 0)
    return search(args.isa, args.seed, args.seconds)


if __name__ == "__main__":
    sys.exit(main())
