from pathlib import Path

import poolwise

Path("rows.txt").write_text("a cat sat\na dog ran\n\na bird flew\n")
job = poolwise.embed_corpus("demo", "rows.txt", "rows", {"embedding": "mean@-1"}, part_rows=2)
assert job.complete
assert job.rejected == {"empty": 1}
assert poolwise.verify("rows").whole
assert poolwise.search("rows", "a kitten", k=1).queries[0].hits[0].id == 0
