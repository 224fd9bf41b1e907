"""Files and data frames to checked columns of counts; the only room that opens input files.

Delimited text and JSON are read with the standard library, so that a cell stays the text that stands in
the file (no rounding of large counts, the digits of a percentage kept, row numbers those of the file)
and a small command never waits for pandas; workbooks need openpyxl, parquet needs pyarrow.
"""

from metaresp.read.cells import MAX_COUNT, BadCell, Value, as_value, label_text
from metaresp.read.columns import ALIASES, Roles, find_roles
from metaresp.read.counts import RESERVED, Counts, ExcludedRow, check_counts
from metaresp.read.files import FORMATS, read_table
from metaresp.read.table import Table, cell_list, columns_table, frame_table

__all__ = [
    "ALIASES",
    "FORMATS",
    "MAX_COUNT",
    "RESERVED",
    "BadCell",
    "Counts",
    "ExcludedRow",
    "Roles",
    "Table",
    "Value",
    "as_value",
    "cell_list",
    "check_counts",
    "columns_table",
    "find_roles",
    "frame_table",
    "label_text",
    "read_table",
]
