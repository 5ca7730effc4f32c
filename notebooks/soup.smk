import sys

PYTHON = sys.executable


rule all:
    input: "serve.txt"


rule wash_leek:
    output: "wash_leek.txt"
    shell: "{PYTHON:q} cooking.py 4 {output}"


rule cut_leek:
    input: "wash_leek.txt"
    output: "cut_leek.txt"
    shell: "{PYTHON:q} cooking.py 5 {output} {input}"


rule chop_onions:
    output: "chop_onions.txt"
    shell: "{PYTHON:q} cooking.py 6 {output}"


rule fry_both:
    input: "cut_leek.txt", "chop_onions.txt"
    output: "fry_both.txt"
    resources: stove=1
    shell: "{PYTHON:q} cooking.py 9 {output} {input}"


rule cut_potatoes:
    output: "cut_potatoes.txt"
    shell: "{PYTHON:q} cooking.py 12 {output}"


rule rinse_peas:
    output: "rinse_peas.txt"
    shell: "{PYTHON:q} cooking.py 4 {output}"


rule boil_peas:
    input: "rinse_peas.txt"
    output: "boil_peas.txt"
    resources: stove=1
    shell: "{PYTHON:q} cooking.py 35 {output} {input}"


rule simmer:
    input: "fry_both.txt", "cut_potatoes.txt", "boil_peas.txt"
    output: "simmer.txt"
    resources: stove=1
    shell: "{PYTHON:q} cooking.py 15 {output} {input}"


rule toast_bread:
    output: "toast_bread.txt"
    shell: "{PYTHON:q} cooking.py 10 {output}"


rule serve:
    input: "simmer.txt", "toast_bread.txt"
    output: "serve.txt"
    shell: "{PYTHON:q} cooking.py 3 {output} {input}"
