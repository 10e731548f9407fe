# --8<-- [start:embed]
import poolwise

enc = poolwise.load("demo")
exact = enc.embed(["a cat sat"], "mean@-1|l2")
fast = enc.embed(["a cat sat"], "mean@-1|l2", precision="fast")
assert (exact @ fast.T).item() > 0.99
# --8<-- [end:embed]

# --8<-- [start:which]
assert enc.engine_for("exact").precision == "exact"
print(enc.engine_for("fast").name, enc.engine_for("fast").precision)
# --8<-- [end:which]
