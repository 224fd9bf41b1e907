"""Records that a fit is made of or hands out: heterogeneity, its levels, the test against a benchmark."""

from dataclasses import dataclass

from metaresp.records import Interval, Record, on_demand


@on_demand("I2_ci", "H2_ci")
@dataclass(frozen=True, eq=False, slots=True)
class Heterogeneity(Record):
    """How much the true rates differ between studies.

    Attributes
    ----------
    Q, df, pvalue : float
        Test that all studies share one rate; ``Q_definition`` says which.
    I2, H2 : float
        Share of the variation that is between studies, in percent, and its ratio;
        ``I2_definition`` says of what.
    I2_Q : float
        ``max(0, 100 (Q - df) / Q)``, the definition by Q (inverse-variance model only).
    I2_ci, H2_ci : Interval or None
        Intervals of I2 and H2, from that of tau2 (``cox-reid``; ``q-profile`` for inverse variance).
        None for studies nested in clusters: ask :meth:`metaresp.Fit.tau2_ci`.
    I2_Q_ci : Interval or None
        Test-based interval of I2_Q (Higgins and Thompson 2002).
    lrt, lrt_pvalue : float
        Likelihood-ratio test of tau2 = 0 (rho = 0), its p-value from the distribution that the ratio has
        for k equal normal studies (binomial-normal and beta-binomial models; conservative where one study
        is far larger than the others).  Studies nested in clusters: test that both variances are 0, from a
        mixture on 0, 1 and 2 df (Self and Liang 1987, case 7), which is conservative for few clusters; by
        the restricted likelihood where the model is that of inverse variance.
    Q_definition, I2_definition : str
        In words.
    """

    Q: float
    df: float
    pvalue: float
    I2: float
    H2: float
    I2_Q: float
    I2_ci: Interval | None
    H2_ci: Interval | None
    I2_Q_ci: Interval | None
    lrt: float
    lrt_pvalue: float
    Q_definition: str
    I2_definition: str


@dataclass(frozen=True, eq=False, slots=True)
class Levels(Record):
    """Variation between clusters, and between the studies of one cluster.

    NaN where the data cannot show it: one study a cluster, one patient a study, an exact answer.

    Attributes
    ----------
    cluster : str
        The covariate that tells the cluster.
    clusters : int
        How many there are.
    tau2_between, tau2_within : float
        Variances on the model's scale, of clusters and of the studies of a cluster; their sum is tau2.
    I2_between, I2_within : float
        Shares in percent of ``tau2 + typical sampling variance``; their sum is I2.
    lrt_between, lrt_between_pvalue : float
        Likelihood-ratio test of no clustering, ``tau2_between = 0``; the p-value is from the half-half
        mixture of a point mass at 0 and chi-square on 1 df, which is conservative where tau2_within is
        near 0 too (Self and Liang 1987).  Restricted likelihood for inverse variance.
    lrt_within, lrt_within_pvalue : float
        The same of ``tau2_within = 0``.
    """

    cluster: str
    clusters: int
    tau2_between: float
    tau2_within: float
    I2_between: float
    I2_within: float
    lrt_between: float
    lrt_between_pvalue: float
    lrt_within: float
    lrt_within_pvalue: float

    @property
    def words(self) -> str:
        """How many clusters, and by what."""
        return f"{self.clusters} clusters" + ("" if self.cluster == "cluster" else f" by {self.cluster}")


@dataclass(frozen=True, eq=False, slots=True)
class TestResult(Record):
    """Test of the pooled rate against a benchmark.

    Attributes
    ----------
    benchmark : float
        The rate tested, between 0 and 1.
    alternative : str
        ``two-sided``, ``greater`` or ``less``.
    statistic, df : float
        Distance of estimate and benchmark in standard errors on the model's scale, and the degrees of
        freedom of its t distribution (infinite: normal).  NaN for an exact binomial test, and where the
        p-value is found by inverting intervals.
    pvalue : float
    method : str
    of : str
        What is tested: the rate of the ``typical`` trial, or the ``mean`` rate over trials.
    """

    benchmark: float
    alternative: str
    statistic: float
    df: float
    pvalue: float
    method: str
    of: str = "typical"
