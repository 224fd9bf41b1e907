"""Inverse variance: sums over studies, tau2, the pooled mean and a new study, with their intervals."""
