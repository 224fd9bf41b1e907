"""``python -m metaresp``."""

from metaresp.cli import run

if __name__ == "__main__":
    run()
