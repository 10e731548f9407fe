from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from poolwise.engines import batches, pack
from poolwise.records import Tokens

lengths = st.lists(st.integers(1, 600), max_size=300).map(lambda x: np.array(x, np.int32))


@given(lengths, st.integers(1, 4096), st.booleans())
def test_every_sequence_runs_once_within_the_budget(lengths, budget, pad):
    made = list(batches(lengths, budget, mixed_lengths=pad))
    assert sorted(i for batch in made for i in batch) == list(range(len(lengths)))
    for batch in made:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= budget


@given(lengths)
def test_without_padding_a_batch_is_of_one_length(lengths):
    made = list(batches(lengths, 1024, mixed_lengths=False))
    assert all(len(set(lengths[batch].tolist())) == 1 for batch in made)


@given(lengths, st.booleans())
def test_longest_first(lengths, pad):
    order = [int(lengths[i]) for batch in batches(lengths, 1024, mixed_lengths=pad) for i in batch]
    assert order == sorted(order, reverse=True)


@given(st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=9), min_size=1, max_size=9))
def test_packing_keeps_every_token(sequences):
    batch = pack([Tokens(np.array(s, np.int32), np.arange(len(s)) == 0) for s in sequences])
    assert batch.lengths.tolist() == [len(s) for s in sequences]
    for i, sequence in enumerate(sequences):
        start, stop = batch.offsets[i : i + 2]
        assert batch.ids[start:stop].tolist() == sequence
        assert batch.special[start:stop].tolist() == [True] + [False] * (len(sequence) - 1)
