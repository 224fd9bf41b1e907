"""Reports without responder counts, reports that may share patients, and arms nested in trials.

Mesenchymal stem cell transplantation in systemic lupus erythematosus: one centre reported 15 and 16
patients, then 4 (pulmonary haemorrhage) and 35 (refractory cytopenias), and, between 2012 and 2014, four
further series of 87, 58, 40 and 81.  In another report two of two patients did not respond: 0/2 is the only
count known.  Run: ``python examples/lupus_cohorts.py``
"""

import metaresp as mr


def unknown_events() -> None:
    path = mr.datasets.path("lupus_cohorts")
    print("1. Events that are not reported are an error, with the place to look at:")
    try:
        mr.read_studies(path)
    except mr.InvalidStudies as error:
        print(f"   {error}")

    studies = mr.read_studies(path, missing="drop")
    print("\n2. On request such rows are left out. They are listed, and nothing is made up for them:")
    for item in studies.excluded:
        print(f"   row {item.row}: {item.study} (n = {item.n}): {item.reason}")
    print(f"   {studies!r}")

    print("\n3. What is left is one report, and its exact interval says how little that is:")
    fit = mr.pool(studies)
    low, high = fit.rate_ci
    print(f"   {fit.events}/{fit.n}: {fit.rate:.1%} ({low:.1%} to {high:.1%})")

    largest = studies.largest_per("centre")
    open_reports = [item for item in largest.excluded if "report of" not in item.reason]
    print("\n4. The reports may describe the same patients: at most the largest may be used,")
    print("   so these are the counts to ask the authors for:")
    for item in open_reports:
        print(f"   {item.study} ({item.reason})")


def arms_of_trials() -> None:
    arms = mr.datasets.load("ursino2021")
    print(
        f"\n5. Different patients of one trial are another matter: {len(arms)} dose arms"
        f" of {len(arms.clusters('study'))} trials of sorafenib."
    )
    print("   Told which arms belong together, pool lets them vary between trials and within:")
    nested = mr.pool(arms, cluster="study")
    low, high = nested.rate_ci
    print(f"   dose-limiting toxicity {nested.rate:.1%} ({low:.1%} to {high:.1%}), {nested.clusters} trials")
    print(
        f"   variance of the logit: {nested.tau2_between:.2f} between, {nested.tau2_within:.2f} within trials"
    )

    print("\n6. That does not help where patients are reported twice. Were these arms such reports, the rate")
    print("   would depend on which of them are used; every defensible choice in one table:\n")
    print(mr.overlap(nested.studies, "study"))


def main() -> None:
    unknown_events()
    arms_of_trials()


if __name__ == "__main__":
    main()
