"""Moderators: the mean of each study is its row of a design matrix times coefficients."""
