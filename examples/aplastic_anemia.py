"""Umbilical-cord mesenchymal stem cells in 18 patients with aplastic anaemia: four endpoints, no pooling.

Of 18 patients 3 were almost completely cured, 7 relieved, 1 improved, 2 better in anaemia and bleeding
with a longer transfusion interval, and 5 did not respond: a total response of 13/18, reported as 72.2%.
Run: ``python examples/aplastic_anemia.py [forest.png]``
"""

import sys

import metaresp as mr

OUTCOMES = {
    "almost completely cured": 3,
    "relieved": 7,
    "improved": 1,
    "better in anaemia and bleeding, longer transfusion interval": 2,
    "no response": 5,
}


def main(path: str = "aplastic_anemia.png") -> None:
    patients = sum(OUTCOMES.values())
    responders = patients - OUTCOMES["no response"]
    print(f"Outcomes of {patients} patients: " + "; ".join(f"{n} {what}" for what, n in OUTCOMES.items()))

    print("\n1. Does the reported percentage fit the counts?")
    possible = mr.check_percent("72.2", patients)
    print(f"   72.2% of {patients} can only be {', '.join(map(str, possible))}: the counts give {responders}")

    print("\n2. The exact interval of each endpoint (Clopper-Pearson, 95%)")
    endpoints = mr.datasets.load("aplastic_anemia")
    ci = mr.binomial_ci(endpoints.events, endpoints.n)
    for label, x, n, rate, low, high in zip(
        endpoints.study, ci.events, ci.n, ci.rate, ci.low, ci.high, strict=True
    ):
        print(f"   {label}: {x}/{n} = {rate:.1%} ({low:.1%} to {high:.1%})")

    print("\n3. No adverse reaction in 18 patients does not mean that there are none")
    two_sided = mr.binomial_ci(0, patients)
    one_sided = mr.binomial_ci(0, patients, alternative="less")
    print(f"   upper end of the two-sided 95% interval: {two_sided.high:.1%}")
    print(f"   one-sided 95% upper bound: {one_sided.high:.1%}")

    print("\n4. What counts as a response is a choice, from strict to lenient")
    found = mr.pool_categories({name: [count] for name, count in OUTCOMES.items()}, categories=list(OUTCOMES))
    for i, last in enumerate(found.category[:-1]):
        counted = f"{found.events[: i + 1].sum()}/{patients}"
        print(
            f"   up to {last!r}: {counted} = {found.rate[i]:.1%} ({found.low[i]:.1%} to {found.high[i]:.1%})"
        )

    print("\n5. A forest of the four endpoints, without a diamond")
    endpoints.forest(path, title="Umbilical-cord mesenchymal stem cells in aplastic anaemia")
    print(f"   wrote {path}")
    print("   The endpoints are measured in the same patients and ask different questions.")
    print("   Pooling takes studies as independent estimates of one thing; these are neither,")
    print("   so an average of them would mean nothing and its interval would be too narrow.")


if __name__ == "__main__":
    main(*sys.argv[1:2])
