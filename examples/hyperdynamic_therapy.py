"""Hyperdynamic therapy after subarachnoid haemorrhage: 14 trials, from CSV to pooled rate and forest plot.

Run: ``python examples/hyperdynamic_therapy.py [forest.pdf]``
"""

import sys

import metaresp as mr


def main(path: str = "hyperdynamic_therapy.pdf") -> None:
    studies = mr.read_studies(mr.datasets.path("pritz1997"))
    print(f"{len(studies)} trials, {studies.events.sum()}/{studies.n.sum()} patients improved")

    fits = {
        "binomial-normal": mr.pool(studies),
        "inverse variance": mr.pool(studies, model="inverse-variance"),
    }
    print(f"\n{'':18}{'rate':>8}  {'95% CI':18}{'prediction':18}{'tau2 (logit)':>12}")
    for name, fit in fits.items():
        ci = "{:.1%} to {:.1%}".format(*fit.rate_ci)
        new = "{:.1%} to {:.1%}".format(*fit.prediction_interval)
        print(f"{name:18}{fit.rate:>8.1%}  {ci:18}{new:18}{fit.tau2:>12.4f}")
    for note in fits["inverse variance"].notes:
        print(f"\nInverse variance: {note}")
    print("The binomial-normal model takes 10/10 and 12/12 as they are.")

    fits["binomial-normal"].forest(path)
    print(f"\nwrote {path}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
