"""Finished rows as matplotlib artists; no statistics, no pyplot, nothing global."""
