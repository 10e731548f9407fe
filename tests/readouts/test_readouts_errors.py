"""What is wrong, where, and what to write instead."""

from __future__ import annotations

import pytest

from poolwise.errors import ReadoutError
from poolwise.readouts import parse, parse_steps


def refusal(text: object) -> ReadoutError:
    with pytest.raises(ReadoutError) as caught:
        parse(text)  # type: ignore[arg-type]
    return caught.value


# The caret stands under the first ^ of the second line; the third holds words of the message.
CASES = """
mean@concat(-4:-1
                 ^
expected ')'

mean@avg()
         ^
found ')'

mean@avg(1,)
           ^
found ')'

mean@avg(1,foo)
           ^
expected a number or embeddings

mean@1,2
      ^
avg(-4:-1)

mean@-4:-1
       ^
combined by avg, sum or concat

mean@avg(3:1)
         ^
did you mean 1:3?

mean@avg(-1, -1:-4)
             ^
did you mean -4:-1?

men@-1
^
did you mean mean?

Mean@-1
^
did you mean mean?

mean_token@-1
^
did you mean mean_tokens?

mеan@-1
^
did you mean mean?

zzz@-1
^
there are cls, sep, token

mean@embedings
     ^
did you mean embeddings?

mean@last
     ^
there are embeddings, avg, sum, concat, weights

mean@−1
     ^
found '−'

mean@²
     ^
found '²'

mean@
     ^
the text ends here

@-1
^
expected a pool

mean-1
    ^
expected '@'

mean@-1 cls@-1
        ^
expected '|' and a step, or the end, found 'cls'

mean@-1)
       ^
found ')'

mean@1.5
      ^
found '.'

mean@-0
     ^
-0 could mean 0

mean@1234567
     ^
7 digits

mean[word]@-1
     ^
expected 'words'

mean[words@-1
          ^
expected ']'

cls[words]@-1
   ^
takes no brackets

token@7
     ^
token[3]

token[x]@7
      ^
a token's position

mean@-1|
        ^
expected a step

mean@-1||l2
        ^
expected a step

mean@-1|standardise
        ^
did you mean standardize?

mean@-1|ubinary
        ^
did you mean binary?

mean@-1|whiten
              ^
whiten(k)

mean@-1|whiten()
               ^
a size of 1 or more

mean@-1|whiten(0)
               ^
found 0

mean@-1|drop(-3)
             ^
found -3

mean@-1|l2(2)
          ^
takes no size

mean@-1|int8|l2
             ^
put it last

mean@-1|binary|int8
               ^
put it last

mean@-1|l2|l2
           ^
a second time

mean@-1|drop(1)|l2|drop(2)
                   ^
a second time

mean@weights()
             ^
a weight

mean@weights(0.1,0.2
                    ^
expected ')'

mean@weights(1=0.5,0.5)
                    ^
'='

mean@weights(1=1e999)
               ^
too large

mean@weights(1:3=0.5)
              ^
'='

mean
    ^
mean@-1 for the last block, which sentence-transformers reads, or mean@-2

max[words]|l2
          ^
max[words]@-1

cls
   ^
cls@-1 for the [CLS] row of the last block, or pooler

pooler@-1
      ^
write pooler for its output, or cls@-1

CLS_POOLED@-2|l2
          ^
write pooler for its output, or cls@-1

NONE@-2
^
a vector for each token

REDUCE_MEAN@3
            ^
write mean@3 or, as it would read this, mean@4

REDUCE_MAX @ concat(-1, embeddings, 0:2)
             ^
max@concat(-1,embeddings,0:2) or, as it would read this, max@concat(-1,embeddings,1:3)

FIRST_TOKEN@weights(0=0.5,-1=0.5)
            ^
cls@weights(1=0.5,-1=0.5)
"""


@pytest.mark.parametrize("case", CASES.strip("\n").split("\n\n"))
def test_the_caret_and_the_message(case: str) -> None:
    typed, caret, words = case.split("\n")
    error = refusal(typed)
    assert error.at == caret.index("^")
    assert error.spec == typed
    assert words in str(error)
    assert str(error).endswith(f"    {typed}\n    {caret}")


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing(text: str) -> None:
    error = refusal(text)
    assert error.at == len(text)
    assert "expected a pool" in str(error)


def test_a_line_break() -> None:
    error = refusal("mean@-1\n")
    assert error.at == 7
    assert "found '\\n'" in str(error)


@pytest.mark.parametrize("thing", [None, 3, b"mean@-1", ["mean@-1"]])
def test_no_text(thing: object) -> None:
    assert f"found {type(thing).__name__}" in str(refusal(thing))


@pytest.mark.parametrize(
    "text",
    [
        "first-last-avg",
        "first_last_avg",
        "avg_first_last",
        "first-last average",
        "First-Last Avg.",
        "average of first and last",
        "mean@avg_first_last",
        "mean @ avg-first-last|l2",
    ],
)
def test_a_first_last_average_is_ambiguous(text: str) -> None:
    error = refusal(text)
    assert "write mean@avg(1,-1) or mean@avg(0,-1)" in str(error)
    assert error.at == (text.index("a", text.index("@")) if "@" in text else 0)


def test_steps_alone() -> None:
    with pytest.raises(ReadoutError) as caught:
        parse_steps("l2 whiten(3)")
    assert caught.value.at == 3
    assert parse_steps(" ") == ()
