"""Print the README's commands, one a line: the ```bash fences, continuation lines joined."""

import re
import sys
from pathlib import Path


def commands(text):
    """Return the shell commands of the ```bash fences of *text*."""
    found = []
    for block in re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        lines = block.replace("\\\n", " ").splitlines()
        found += [" ".join(line.split()) for line in lines if line.strip() and not line.startswith("#")]
    return found


if __name__ == "__main__":
    print("\n".join(commands(Path(sys.argv[1]).read_text(encoding="utf-8"))))
