"""A table as read, held to a layer's declaration: typed accepted rows, and a report of every row that is not."""

from layers._check.check import Checked, check
from layers._check.options import CheckOptions, parse_map, parse_set, parse_value
from layers._check.report import Fault, Repair, Report, report_csv, report_lines
from layers._check.template import template_csv, template_xlsx

__all__ = [
    "CheckOptions",
    "Checked",
    "Fault",
    "Repair",
    "Report",
    "check",
    "parse_map",
    "parse_set",
    "parse_value",
    "report_csv",
    "report_lines",
    "template_csv",
    "template_xlsx",
]
