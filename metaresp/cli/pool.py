"""``metaresp pool``: a table of studies to a pooled rate."""

from metaresp.cli import options as o


def pool(
    file: o.File,
    events: o.Events = None,
    n: o.Patients = None,
    study: o.Study = None,
    response: o.Response = None,
    percent: o.Percent = None,
    enrolled: o.Enrolled = None,
    missing: o.Missing = "raise",
    sheet: o.Sheet = None,
    encoding: o.Encoding = None,
    model: o.Model = "binomial-normal",
    link: o.Link = o.DEFAULT,
    transform: o.Transform = o.DEFAULT,
    tau2: o.Tau2 = o.DEFAULT,
    ci: o.Interval = o.DEFAULT,
    prediction: o.Prediction = o.DEFAULT,
    correct: o.Correct = o.DEFAULT,
    correction: o.Correction = None,
    back_n: o.BackN = o.DEFAULT,
    cluster: o.Cluster = None,
    level: o.Level = 0.95,
    study_ci: o.StudyCI = "clopper-pearson",
    seed: o.Seed = None,
    json: o.Json = False,
) -> None:
    """Pool the response rates of the studies in a table.

    \b
    Examples:
      metaresp pool trials.csv
      metaresp pool trials.xlsx --events responders --n treated --missing drop
      metaresp pool trials.csv --model inverse-variance --transform arcsine --tau2 PM
      metaresp pool arms.csv --cluster centre
      metaresp pool trials.csv --json
    """
    import metaresp as mr

    studies = o.read_table(
        file,
        missing=missing,
        sheet=sheet,
        encoding=encoding,
        events=events,
        n=n,
        study=study,
        response=response,
        percent=percent,
        enrolled=enrolled,
    )
    settings = o.model_options(
        model, link, transform, tau2, ci, prediction, correct, correction, back_n, level, study_ci, seed
    )
    fit = mr.pool(studies, cluster=cluster, **settings)
    print(fit.to_json() if json else fit)
