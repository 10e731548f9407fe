# --8<-- [start:ambiguous]
import poolwise

try:
    poolwise.parse("cls")
except poolwise.PoolwiseError as error:
    print(error)
# --8<-- [end:ambiguous]

# --8<-- [start:parse]
readout = poolwise.parse("REDUCE_MEAN@-2 | normalize")
assert str(readout) == "mean@-2|l2"
assert readout.layer_indices(depth=12) == (11,)
# --8<-- [end:parse]

# --8<-- [start:fit]
enc = poolwise.load("demo")
train = [f"sentence number {n}" for n in range(50)]
whitened = enc.embed(["a cat sat"], "mean@-1|whiten(8)|l2", fit=train)
assert whitened.shape == (1, 8)
# --8<-- [end:fit]

# --8<-- [start:dense]
try:
    enc.embed(["a cat sat"], "mean@-1|dense")
except poolwise.PoolwiseError as error:
    print(error)
# --8<-- [end:dense]
