"""All rounding, wording and table rows; no formulas, no quantiles."""
