"""The scripts of docs/validation, for the tests that run a part of them or read their table."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs" / "validation"))

import pvalues  # noqa: E402
import validate  # noqa: E402
import validate_page as page  # noqa: E402
import validate_settings as settings  # noqa: E402

__all__ = ["ROOT", "page", "pvalues", "settings", "validate"]
