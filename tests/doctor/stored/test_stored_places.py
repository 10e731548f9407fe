"""A sample is spread over the whole, and the seed draws it."""

import numpy as np

from poolwise.doctor.stored.places import spread_in_groups, spread_places


def test_each_stretch_has_one_place():
    places = spread_places(1003, 10, 0)
    assert (np.diff(places) > 0).all()
    assert [place * 10 // 1003 for place in places] == [*range(10)]
    assert not (places == spread_places(1003, 10, 1)).all()
    assert (places == spread_places(1003, 10, 0)).all()


def test_all_places_where_the_limit_is_no_less():
    assert spread_places(5, 5, 0).tolist() == spread_places(5, None, 0).tolist() == [*range(5)]
    assert spread_places(0, 5, 0).tolist() == []


def test_few_groups_are_read():
    sizes = [10, 0, 30, 5] * 100
    places = spread_in_groups(sizes, 40, 0, most_groups=8)
    groups = np.searchsorted(np.cumsum(sizes), places, side="right")
    assert len(set(places.tolist())) == 40
    assert 1 < len(set(groups.tolist())) <= 8
    assert groups.min() < 60
    assert groups.max() > 340


def test_no_group_is_passed_over_where_they_are_few():
    places = spread_in_groups([4] * 6, 12, 0, most_groups=8)
    assert {place // 4 for place in places} == {*range(6)}
