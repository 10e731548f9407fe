"""Fields of CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolwise.classifier.csv_formulas import guarded

FORMULAS = ["=1+1", "+cmd|x!A0", "-2+3", "@SUM(A1)", "\r=1", "\n=1", "＝1+1", "＠x"]
HARMLESS = ["x", "a=b", "don't", "", "-1", "+1", "-1.5", "1e-3", "-1e-05", "'", "''x", "a; b", "é"]


@pytest.mark.parametrize("field", FORMULAS)
def test_a_formula_gets_an_apostrophe(field):
    assert guarded(field) == f"'{field}"
    assert guarded(f"'{field}") == f"''{field}"  # so that each field comes back as it was
    assert guarded(f"x;{field}") == f"x;'{field}"
    assert guarded(f"-1;{field};2") == f"-1;'{field};2"


@pytest.mark.parametrize("field", HARMLESS)
def test_what_is_none_stays(field):
    assert guarded(field) == field


@given(st.text("=+-@'\t\r\n;1.ex＝ "))
def test_one_apostrophe_less_is_the_field_again(field):
    made = guarded(field)
    assert re.sub(r"(^|(?<=[;\t]))'(?='*[=+\-@\t\r\n＝＋－＠])", "", made) == field
    for cell in re.split("[;\t]", made):
        assert not re.match(r"[=@＝]", cell)
