"""``metaresp pool``: a table of studies to a pooled rate."""

from metaresp.cli import options as o


def pool(
    file: o.File,
    events: o.Events = None,
    n: o.Patients = None,
    study: o.Study = None,
    response: o.Response = None,
    missing: o.Missing = "raise",
    sheet: o.Sheet = None,
    model: o.Model = "binomial-normal",
    transform: o.Transform = o.DEFAULT,
    tau2: o.Tau2 = o.DEFAULT,
    ci: o.Interval = o.DEFAULT,
    prediction: o.Prediction = o.DEFAULT,
    correct: o.Correct = o.DEFAULT,
    correction: o.Correction = None,
    cluster: o.Cluster = None,
    level: o.Level = 0.95,
    study_ci: o.StudyCI = "clopper-pearson",
    json: o.Json = False,
) -> None:
    """Pool the response rates of the studies in a table.

    \b
    Examples:
      metaresp pool trials.csv
      metaresp pool trials.xlsx --events responders --n treated --missing drop
      metaresp pool trials.csv --model inverse-variance --transform arcsine --tau2 PM
      metaresp pool trials.csv --json
    """
    import metaresp as mr

    studies = mr.read_studies(
        file, events=events, n=n, study=study, response=response, missing=missing, **o.sheet_option(sheet)
    )
    settings = o.model_options(model, transform, tau2, ci, prediction, correct, correction, level, study_ci)
    fit = mr.pool(studies, cluster=cluster, **settings)
    print(fit.to_json() if json else fit)
