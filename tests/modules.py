"""The modules of the package that can be imported here."""

import pkgutil
from importlib.util import find_spec

import metaresp

#: What needs a library that is no dependency.
OPTIONAL = {"metaresp.kernel.counts.compiled": "numba"}


def modules():
    """Return the names of all modules but those that run, and those whose optional library is not there."""
    return [
        module.name
        for module in pkgutil.walk_packages(metaresp.__path__, "metaresp.")
        if not module.name.endswith("__main__")
        and (module.name not in OPTIONAL or find_spec(OPTIONAL[module.name]))
    ]
