"""What the rule by_script of ways.smk runs: Snakemake defines `snakemake` before the first line."""

from pathlib import Path

text = f"made by a script, after {snakemake.input[0]}\n"  # type: ignore[name-defined] # noqa: F821
Path(snakemake.output[0]).write_text(text, encoding="utf-8")  # type: ignore[name-defined] # noqa: F821
