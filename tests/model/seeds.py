"""Tries many seeds: python tests/model/seeds.py [KIND[/MEMBER] ...] --seeds 1000 [--start N] [--save DIR].

Prints a table: kind, member, seeds tried, seeds with a wrong answer, and the smallest capture of those. pcapdig is the installed one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from judging import differences
from traffic.kinds import KINDS, sample


def tried(kind: str, member: str, seeds: range, save: Path | None) -> tuple[int, int | None]:
    """How many seeds have a wrong answer, and which of them has the smallest capture; that one is saved and its differences shown."""
    wrong, best, size = 0, None, 0
    for seed in seeds:
        found = sample(kind, member, seed)
        try:
            said = differences(found)
        except Exception as error:  # noqa: BLE001 - a crash is a finding like any other
            said = [f"raised {error!r}"]
        bytes_ = sum(map(len, found.files))
        if said:
            wrong += 1
            if best is None or bytes_ < size:
                best, size, why = seed, bytes_, said
    if best is not None:
        print(*(f"    {line[:600]}" for line in why[:4]), sep="\n")
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)
            for i, data in enumerate(sample(kind, member, best).files):
                kind_of_file = "pcapng" if data[:4] == b"\x0a\x0d\x0d\x0a" else "pcap"
                (save / f"{kind}-{member.replace(' ', '-')}-{best}-{i}.{kind_of_file}").write_bytes(data)
    return wrong, best


def main() -> None:
    """Try what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--save", type=Path)
    chosen = parser.parse_args()
    seeds = range(chosen.start, chosen.start + chosen.seeds)
    print("kind  member                        seeds  wrong  smallest")
    for word in chosen.kinds:
        kind, _, only = word.partition("/")
        for member in [only] if only else KINDS[kind]:
            wrong, best = tried(kind, member, seeds, chosen.save)
            print(f"{kind:5} {member:28} {len(seeds):6} {wrong:6}  {'' if best is None else best}", flush=True)


if __name__ == "__main__":
    main()
