"""Analyses that fit many sets of studies in one batch have no clusters: they say so."""

from metaresp.errors import InvalidArgument, option
from metaresp.result import Fit


def refuse_clusters(fit: Fit, analysis: str) -> None:
    """Raise InvalidArgument if the studies of *fit* are nested in clusters, which a batch cannot fit."""
    if fit.spec.cluster is not None:
        raise InvalidArgument(
            f"{analysis}: in this fit studies are nested in clusters "
            f"({option('cluster', fit.spec.cluster)}), and "
            f"{analysis} fits sets of studies without clusters: give a fit made without {option('cluster')}"
        )
