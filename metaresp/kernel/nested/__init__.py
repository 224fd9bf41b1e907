"""Studies nested in clusters, as counts and as effects."""
