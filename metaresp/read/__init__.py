"""Files and data frames to checked columns of counts; the only room that opens input files.

Delimited text and JSON are read with the standard library, so that a cell stays the text that stands in
the file (no rounding of large counts, the digits of a percentage kept, row numbers those of the file)
and a small command never waits for pandas; workbooks are read with openpyxl, parquet with pyarrow.

A table passes through: ``files`` (bytes to the cells of each sheet), ``layout`` (where the head is, which
lines are no row), ``columns`` (what each column holds, by name and values), ``counts`` (every cell checked).

All of it works by columns: what a column's distinct values, or its text as a whole, tell to be usual is not
looked at row by row (``cells.clean_column``, ``column_cells``, ``rows.may_say_total``).
"""

from metaresp.read.cells import BadCell, Value, as_value, label_text, label_texts, values_of
from metaresp.read.choice import read_file
from metaresp.read.columns import ROLES, Roles, column_place, find_roles
from metaresp.read.counts import RESERVED, Counts, ExcludedStudy, read_counts
from metaresp.read.files import FORMATS
from metaresp.read.heads import read_head
from metaresp.read.options import AS_THEY_STAND, Options
from metaresp.read.source import Source
from metaresp.read.table import LeftOut, Table, cell_list, columns_table, frame_table
from metaresp.read.writing import is_missing

__all__ = [
    "AS_THEY_STAND",
    "FORMATS",
    "RESERVED",
    "ROLES",
    "BadCell",
    "Counts",
    "ExcludedStudy",
    "LeftOut",
    "Options",
    "Roles",
    "Source",
    "Table",
    "Value",
    "as_value",
    "cell_list",
    "column_place",
    "columns_table",
    "find_roles",
    "frame_table",
    "is_missing",
    "label_text",
    "label_texts",
    "read_counts",
    "read_file",
    "read_head",
    "values_of",
]
