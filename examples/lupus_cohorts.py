"""Reports without responder counts, and reports of one centre that may share patients.

Mesenchymal stem cell transplantation in systemic lupus erythematosus: one centre published eight
reports between 2012 and 2014.  The one in Bone Marrow Transplantation (2012, doi
10.1038/bmt.2012.184) describes 35 patients with refractory cytopenia, and its abstract gives no
responder count.  Run: ``python examples/lupus_cohorts.py``
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

    print("\n3. No responder is known, so there is nothing to pool:")
    try:
        mr.pool(studies)
    except mr.MetaRespError as error:
        print(f"   {error}")

    largest = studies.largest_per("centre")
    open_reports = [item for item in largest.excluded if "report of" not in item.reason]
    print("\n4. The reports may describe the same patients: at most the largest may be used,")
    print("   so these are the counts to ask the authors for:")
    for item in open_reports:
        print(f"   {item.study} ({item.reason})")


def shared_patients() -> None:
    arms = mr.datasets.load("ursino2021")
    trials = arms.clusters("study")
    print(
        f"\n5. The same question where counts are known: {len(arms)} dose arms"
        f" of {len(trials)} trials of sorafenib."
    )
    print("   Told which arms belong together, pool refuses to treat them as independent:")
    try:
        mr.pool(arms, cluster="study")
    except mr.CannotEstimate as error:
        text = str(error)
        print(f"   {text if len(text) < 300 else text[:297] + '...'}")

    largest = arms.largest_per("study")
    fit = mr.pool(largest, cluster="study")
    low, high = fit.rate_ci
    print("\n6. Sensitivity set, the largest arm of each trial:")
    print(f"   {largest!r}")
    print(f"   {largest.excluded[0].study}: {largest.excluded[0].reason}")
    print(f"   dose-limiting toxicity {fit.rate:.1%} ({low:.1%} to {high:.1%}), {fit.k} trials")


def main() -> None:
    unknown_events()
    shared_patients()


if __name__ == "__main__":
    main()
