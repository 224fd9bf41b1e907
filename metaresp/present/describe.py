"""A forest plot in words, for readers who do not see it."""

from metaresp.present.forest_table import ForestTable


def describe(table: ForestTable) -> str:
    """Return what a forest plot shows in a few sentences.

    Examples
    --------
    >>> import metaresp as mr
    >>> from metaresp.present.forest_rows import forest_rows_studies
    >>> describe(forest_rows_studies(mr.Studies([13], [18], study=["Xu"])))
    'Forest plot of 1 study. Response rate. Xu: 13/18, 72.2% (46.5% to 90.3%).'
    """
    kinds = [row.kind for row in table.rows]
    count, one, more = kinds.count("study"), "study", "studies"
    if not count:  # of fits, not of studies
        count, one, more = kinds.count("estimate") + kinds.count("pooled"), "estimate", "estimates"
    title = f" {table.title.rstrip('.')}." if table.title else ""
    head = f"Forest plot of {count} {one if count == 1 else more}.{title} {table.axis_label}."
    columns = {column.key for column in table.columns}
    keys = [key for key, shown in (("events", {"events", "total"}), ("rate", {"rate"})) if shown & columns]
    sentences = []
    for row in table.rows:
        if row.kind in {"heading", "note"}:
            sentences.append(f"{row.label}.")
            continue
        words = ", ".join(text for key in keys if (text := row.text(key)))
        sentences.append(f"{row.label}: {words}." if words else f"{row.label}.")
    marked = [f"{item.label}." for item in table.legend if item.kind in {"line", "zone"}]
    return " ".join([head, *sentences, *marked])
