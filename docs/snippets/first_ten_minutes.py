# long
# --8<-- [start:sweep]
import poolwise

result = poolwise.sweep(
    "demo", data="banking77.csv", target="category", limit=300, grid="{cls,mean}@{3,-1}"
)
print(result.answer.recommendation)  # one sentence
# --8<-- [end:sweep]
# --8<-- [start:use]
model = poolwise.load("demo")
questions = ["Where is my card?", "My card has not come yet.", "What is today's rate?"]

vectors = model.embed(questions, result.best)  # or the file: "answer/readout.toml"
assert vectors.shape == (3, 384)
assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]  # cosines: all have length 1
# --8<-- [end:use]
