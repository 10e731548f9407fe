"""Which trainings follow from which results."""

from __future__ import annotations

import numpy as np

from poolwise.tuning.records import TrainingResult, TrainingRun
from poolwise.tuning.schedule import Schedule


def new_schedule(**changes):
    given = {"readouts": ["a", "b"], "sizes": [10, 100], "seeds": 3, "rates": [1e-4, 1e-5]}
    return Schedule(**{**given, **changes}, cost=lambda run: run.n)


def finished(run, dev):
    return TrainingResult(run, dev, np.ones(0 if run.rate_trial else 2), run.readout, 1, 1, 0.0)


def test_the_best_rate_on_dev_is_chosen_the_smaller_of_equals():
    schedule = new_schedule(readouts=["a"], sizes=[10])
    dev = {1e-4: 0.5, 1e-5: 0.5}
    while (run := schedule.next()) is not None:
        schedule.record(finished(run, dev[run.rate]))
    assert [t.run for t in schedule.results] == [
        TrainingRun("a", 10, seed, 1e-5) for seed in range(3)
    ]
    tried = [TrainingRun("a", 10, 0, rate, rate_trial=True) for rate in (1e-4, 1e-5)]
    assert [t.run for t in schedule.rate_trials] == tried


def test_a_single_rate_need_not_be_tried():
    schedule = new_schedule(readouts=["a"], sizes=[10], rates=[1e-4])
    assert schedule.pending == [TrainingRun("a", 10, seed, 1e-4) for seed in range(3)]
    assert schedule.rate_trials == []


def test_each_readout_and_size_has_its_rate_and_the_longest_go_first():
    schedule = new_schedule()
    assert (len(schedule), schedule.remaining_cost) == (20, 1100)
    started = []
    while (run := schedule.next()) is not None:
        started.append(run)
        better = 1e-4 if (run.readout == "a") == (run.n == 10) else 1e-5
        schedule.record(finished(run, float(run.rate == better)))
    assert (len(started), len(schedule), schedule.remaining_cost) == (20, 0, 0)
    assert [s.n for s in started] == [100] * 10 + [10] * 10
    assert {(t.run.readout, t.run.n): t.run.rate for t in schedule.results} == {
        ("a", 10): 1e-4,
        ("a", 100): 1e-5,
        ("b", 10): 1e-5,
        ("b", 100): 1e-4,
    }


def test_what_has_ended_is_left_out():
    schedule = new_schedule(readouts=["a"], sizes=[10])
    known = {TrainingRun("a", 10, 0, rate, rate_trial=True): rate for rate in (1e-4, 1e-5)}
    known |= {TrainingRun("a", 10, 0, 1e-4): 0.9, TrainingRun("a", 10, 2, 1e-4): 0.8}
    schedule.skip_finished(lambda s: finished(s, known[s]) if s in known else None)
    assert schedule.pending == [TrainingRun("a", 10, 1, 1e-4)]
    assert (len(schedule), schedule.remaining_cost) == (1, 10)
