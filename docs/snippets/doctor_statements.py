import poolwise

encoder = poolwise.load("demo")
texts = [
    f"{who} {what}" for who in ("a cat", "Anna", "we") for what in ("sat", "ran to the sea", "fell")
]
vectors = encoder.embed(texts, "mean@-1")

diagnosis = poolwise.diagnose(encoder, vectors=vectors, texts=texts)
assert diagnosis.readout == "mean@-1"
assert diagnosis.declared == "mean@-1|l2"
assert [said.aspect for said in diagnosis.differences] == ["normalisation"]
print(diagnosis)  # the verdict
page = diagnosis.page()  # HTML; a notebook shows the diagnosis itself
assert str(diagnosis).startswith("mean@-1 of demo made these vectors")
