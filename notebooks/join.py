"""Join files, for 05-snakemake.ipynb: Windows has no cat. python join.py OUTPUT INPUT..."""

import sys
from pathlib import Path

output, *inputs = sys.argv[1:]
Path(output).write_bytes(b"".join(Path(name).read_bytes() for name in inputs))
