import sys

PYTHON = sys.executable


rule all:
    input: "run.txt"


rule by_shell:
    output: "shell.txt"
    shell: "{PYTHON:q} cooking.py 0 {output}"


rule by_script:
    input: "shell.txt"
    output: "script.txt"
    script: "ways_script.py"


rule by_run:
    input: "script.txt"
    output: "run.txt"
    run:
        with open(output[0], "w", encoding="utf-8") as file:
            file.write(f"made by a run block, after {input[0]}\n")
