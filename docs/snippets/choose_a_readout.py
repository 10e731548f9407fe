# --8<-- [start:parse]
import poolwise

try:
    poolwise.parse("cls")
except poolwise.PoolwiseError as error:
    print(error)  # cls needs a layer: write cls@-1 …, or pooler …
# --8<-- [end:parse]
# --8<-- [start:fit]
model = poolwise.load("demo")
train = [f"sentence number {n}" for n in range(50)]
whitened = model.embed(["a cat sat"], "mean@-1|whiten(8)|l2", fit=train)
assert whitened.shape == (1, 8)
# --8<-- [end:fit]
# --8<-- [start:extract]
for batch in model.extract(["first", "second"], ["cls@3", "mean@-1", "max@avg(1,-1)"]):
    assert batch.vectors["cls@3"].shape == (2, 384)
    assert not batch.truncated.any()
# --8<-- [end:extract]
