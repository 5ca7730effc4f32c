import sys

PYTHON = sys.executable


configfile: "zoom.json"


rule all:
    input: "film.gif"


rule film:
    input: expand("frames/{k}.png", k=range(config["frames"]))
    output: "film.gif"
    shell: "{PYTHON:q} zoom.py film {output} {input}"


rule frame:
    input: "zoom.json"
    output: "frames/{k}.png"
    shell: "{PYTHON:q} zoom.py frame {wildcards.k} {output}"
