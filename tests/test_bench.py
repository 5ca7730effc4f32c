"""The benchmarks run, and what they say follows from what they measured."""

from __future__ import annotations

import itertools
import json
import sys

import pytest

from pyparallel.racing import Race
from tests.bench import matching, mosaic_memory, mosaics
from tests.bench import reduction_sizes as bench


def raced(**best: float) -> Race:
    names = {"one": bench.ONE, "all": bench.ALL, "numpy": "NumPy", "prange": bench.PRANGE}
    times = {names[key]: (2 * time, time, 3 * time) for key, time in best.items()}
    return Race(times, dict.fromkeys(times, 0))


@pytest.fixture
def races() -> dict[int, Race]:
    return {
        10: raced(numpy=1e-6, prange=2e-6, one=2e-7, all=1e-7),  # faster by chance, not for good
        1000: raced(numpy=2e-6, prange=1e-6, one=6e-7, all=6e-7),
        100_000: raced(numpy=2e-5, prange=1e-5, one=1e-5, all=8e-6),
        1_000_000: raced(numpy=2e-4, prange=7e-5, one=1e-4, all=6.25e-5),
    }


def test_threads_pay_where_they_are_faster_from_then_on(races):
    assert bench.crossover(races, bench.ONE, bench.ALL) == 100_000
    assert bench.crossover(races, bench.ALL, bench.ONE) is None
    assert bench.crossover(dict(reversed(races.items())), "NumPy", bench.PRANGE) == 1000


def test_a_gain_within_the_noise_is_none():
    assert bench.crossover({1: raced(one=1.05, all=1.0)}, bench.ONE, bench.ALL) is None
    assert bench.crossover({1: raced(one=1.15, all=1.0)}, bench.ONE, bench.ALL) == 1


def test_the_sentence_is_computed(races, monkeypatch):
    monkeypatch.setattr("pyparallel.get_num_threads", lambda: 2)
    assert bench.sentence(races) == (
        "2 threads pay from 100,000 numbers on, where one thread takes 10.0 µs: they are 1.25 times "
        "as fast there, and 1.60 times with 1,000,000. Numba's prange is faster than np.sum from "
        "1,000 on."
    )
    assert bench.sentence({10: raced(one=1.0, all=1.0)}) == "2 threads do not pay up to 10 numbers."
    monkeypatch.setattr("pyparallel.get_num_threads", lambda: 1)
    assert "nothing to compare" in bench.sentence(races)


def test_names_in_the_picture_stand_apart(races):
    figure = bench.plot(races)
    assert figure.axes[0].get_xscale() == figure.axes[0].get_yscale() == "log"
    figure.canvas.draw()
    words = {bench.ONE, bench.ALL, "NumPy", bench.PRANGE}
    boxes = [t.get_window_extent() for t in figure.axes[0].texts if t.get_text() in words]
    assert len(boxes) == 4
    boxes.sort(key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 2 for low, high in itertools.pairwise(boxes))


def test_a_quick_run_prints_draws_and_writes(tmp_path, capsys):
    picture, measured = tmp_path / "sizes.png", tmp_path / "sizes.json"
    bench.main(["--quick", "--plot", str(picture), "--json", str(measured)])
    out = capsys.readouterr().out
    assert out.startswith("float64")
    assert "threads" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    sizes = json.loads(measured.read_text())["sizes"]
    assert list(sizes) == ["10", "1000", "100000"]
    for outcome in sizes.values():
        assert {"NumPy", bench.ONE, bench.ALL} <= {c["name"] for c in outcome["contestants"]}


def test_a_quick_race_of_matching_prints_ratios(capsys):
    matching.main(["--quick"])
    out = capsys.readouterr().out
    assert "300 x 200 x 3, alike" in out
    assert "NumPy" in out
    assert "float32" in out


@pytest.mark.parametrize("kind", ["random", "alike", "clusters"])
def test_features_are_whole_numbers_of_a_byte(kind):
    a = matching.features(kind, 50, 4, 1)
    assert (a == a.astype("u1")).all()
    assert len(a) == 50


def test_a_quick_mosaic_race_prints_its_table(capsys):
    mosaics.main(["--quick"])
    out = capsys.readouterr().out
    assert out.startswith("108 places, 120 JPEG files of 20 x 20, each used at most once")
    assert "proven" in out
    assert out.endswith("phomo did not race: no --phomo was given\n")
    assert mosaics.absent("no-such-python") == "there is no no-such-python"
    assert "No module named" in mosaics.absent(sys.executable)


def test_the_memory_of_every_step_is_measured(capsys):
    pytest.importorskip("resource")
    mosaic_memory.main(["--quick"])
    out = capsys.readouterr().out
    assert all(step in out for step in mosaic_memory.STEPS)
    assert "40 tiles of 50 x 50" in out
