"""What a killed comparison leaves among its runs."""

from __future__ import annotations

from poolwise.files.leftovers import hidden
from poolwise.tuning.records import TrainingOptions
from poolwise.tuning.run_store import RunStore


def test_what_a_killed_comparison_left_is_removed_and_what_it_can_use_stays(tmp_path):
    runs, checkpoints = tmp_path / "runs", tmp_path / "checkpoints"
    for folder in (runs, checkpoints):
        folder.mkdir()
        hidden(folder / "cls@-1").mkdir()
    hidden(runs / "1.json").touch()
    (runs / "1.json").touch()
    (runs / "1.training").mkdir()
    (runs / "2.training").mkdir()
    RunStore(tmp_path, {}, TrainingOptions(), 1).clear()
    assert sorted(path.name for path in runs.iterdir()) == ["1.json", "2.training"]
    assert not [*checkpoints.iterdir()]
    RunStore(None, {}, TrainingOptions(), 1).clear()
