"""Print what the reader does with random disguises: python -m tests.reading.report_disguise 0 999 [WORD].

With WORD (such as "wrong numbers" or "read asked") the tables of that outcome are printed too.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.reading.disguise import disguise
from tests.reading.test_disguise import verdict


def main(first: int, count: int, word: str = "") -> None:
    found: Counter[str] = Counter()
    of_tag: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            place = Path(folder) / str(seed)
            place.mkdir()
            case = disguise(seed, place)
            try:
                outcome, said = verdict(case)
            except Exception as error:
                outcome, said = "crash", repr(error)
            name = f"{case.must} {outcome}"
            found[name] += 1
            if word and word in name:
                of_tag.update(case.tags)
                content = case.path.read_bytes()
                print(f"== seed {seed} {name} {case.options} {case.tags}\n{said[:400]}")
                if not case.path.name.endswith("xlsx"):
                    print(content[:400].decode("utf-8", "replace"))
            case.path.unlink()
    print(*found.most_common(), sep="\n")
    if of_tag:
        print(*of_tag.most_common(25), sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
