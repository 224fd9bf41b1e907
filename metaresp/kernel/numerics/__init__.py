"""Numbers of any model: maxima and limits of a surface, roots, panels, special functions, quantiles."""
