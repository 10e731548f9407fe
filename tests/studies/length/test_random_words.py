from collections import Counter

import numpy as np

from poolwise.studies.length.random_words import SIZE, RandomWords


def test_words_are_drawn_by_their_frequency():
    control = RandomWords(0)
    control.see(["the cat the dog the"] * 1000)
    texts = list(control.texts())
    counts = Counter(word for s in texts for word in s.text.split())
    assert set(counts) == {"the", "cat", "dog"}
    assert abs(counts["the"] / counts.total() - 0.6) < 0.03
    assert len({s.text for s in texts}) > 100


def test_the_sample_is_of_all_that_passed_and_bounded():
    control = RandomWords(0)
    for start in range(0, 20_000, 2048):
        control.see([str(i) for i in range(start, min(start + 2048, 20_000))])
    drawn = [int(s.text) for s in control.texts()]
    assert len(drawn) == SIZE
    assert abs(np.mean(drawn) / 10_000 - 1) < 0.05


def test_the_seed_decides_and_batches_do_not():
    def texts(seed, size):
        control = RandomWords(seed)
        for start in range(0, 5000, size):
            control.see([f"{i} {i}" for i in range(start, start + size)])
        return [s.text for s in control.texts()]

    assert texts(1, 5000) == texts(1, 50)
    assert texts(1, 5000) != texts(2, 5000)


def test_nothing_seen_makes_no_text():
    assert list(RandomWords(0).texts()) == []
