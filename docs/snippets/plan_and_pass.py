# --8<-- [start:extract]
import poolwise

enc = poolwise.load("demo")
for batch in enc.extract(["first", "second"], ["cls@3", "mean@-1", "max@avg(1,-1)"]):
    assert batch.vectors["cls@3"].shape == (2, 384)
    assert not batch.truncated.any()
    assert not batch.nonfinite.any()
# --8<-- [end:extract]

# --8<-- [start:plan]
from poolwise.engines import plan

readouts = [poolwise.parse(text) for text in ("cls@3", "mean@avg(1,3)", "mean@1|l2")]
made = plan(readouts, depth=enc.depth)
assert made.deepest == 3  # of 6 blocks: the others are not run
pooled = [f"{state.pool}@{state.deepest}" for state in made.pooled_states]
assert pooled == ["cls@3", "mean@1", "mean@3"]  # mean@1 is pooled once, for two readouts
# --8<-- [end:plan]

# --8<-- [start:rows]
assert plan([poolwise.parse("cls@-1")], depth=enc.depth).rows == (0,)
# --8<-- [end:rows]
