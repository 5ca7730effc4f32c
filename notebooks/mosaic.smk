import sys

PYTHON = sys.executable


configfile: "zoom.json"


rule all:
    input: "mosaic.png"


rule frame:
    input: "zoom.json"
    output: "frames/{k}.png"
    shell: "{PYTHON:q} zoom.py frame {wildcards.k} {output}"


rule tiles:
    output: "tiles.npy"
    params: number=config["tiles"]
    shell: "{PYTHON:q} mosaic_steps.py tiles {params.number} {output}"


rule features:
    input: "tiles.npy"
    output: "features.npy"
    shell: "{PYTHON:q} mosaic_steps.py features {input} {output}"


rule match:
    input: "frames/0.png", "features.npy"
    output: "strips/{strip}.npy"
    params: rows=config["rows"], strips=config["strips"]
    shell: "{PYTHON:q} mosaic_steps.py match {input} {params.rows} {wildcards.strip} {params.strips} {output}"


rule assemble:
    input: tiles="tiles.npy", strips=expand("strips/{n}.npy", n=range(config["strips"]))
    output: "mosaic.png"
    shell: "{PYTHON:q} mosaic_steps.py assemble {input.tiles} {output} {input.strips}"
