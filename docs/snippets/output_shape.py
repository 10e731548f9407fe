"""What BertModel returns, shape by shape, and what padding does to it."""

# --8<-- [start:shapes]
import csv
import json
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

import poolwise

enc = poolwise.load("demo")
tokenizer = AutoTokenizer.from_pretrained(enc.folder)
model = AutoModel.from_pretrained(enc.folder).eval()  # a BertModel
torch.set_grad_enabled(False)

texts = ["a cat sat", "a dog ran through the garden"]
batch = tokenizer(texts, padding=True, return_tensors="pt")
outputs = model(**batch, output_hidden_states=True)

last, pooled, states = outputs[0], outputs[1], outputs[2]
assert last is outputs.last_hidden_state
assert last.shape == (2, 8, 384)  # [texts, tokens of the longest text, hidden size]
assert pooled is outputs.pooler_output
assert pooled.shape == (2, 384)  # [texts, hidden size]
assert len(states) == 7  # the embeddings and 6 blocks, each [texts, tokens, hidden size]
assert torch.equal(states[-1], last)
# --8<-- [end:shapes]

# --8<-- [start:readouts]
assert np.allclose(enc.embed(texts, "cls@-1"), last[:, 0], atol=1e-5)
assert np.allclose(enc.embed(texts, "cls@3"), states[3][:, 0], atol=1e-5)
assert np.allclose(enc.embed(texts, "mean@0"), enc.embed(texts, "mean@embeddings"))
assert np.allclose(enc.embed(texts, "pooler"), pooled, atol=1e-5)
# --8<-- [end:readouts]

# --8<-- [start:padding]
mask = batch.attention_mask  # 1 for a token, 0 for padding
assert mask.sum(dim=1).tolist() == [5, 8]  # [CLS] a cat sat [SEP], and three of padding
assert last[0, 5:].norm(dim=-1).min() > 1  # rows of padding are no zeros

alone = model(**tokenizer(texts[:1], return_tensors="pt")).last_hidden_state
assert torch.allclose(alone[0], last[0, :5], atol=1e-5)  # they change no other row,

mean = (last * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
assert np.allclose(enc.embed(texts, "mean@-1"), mean, atol=1e-5)
assert not torch.allclose(last.mean(dim=1), mean, atol=1e-2)  # but a plain mean takes them in
# --8<-- [end:padding]

# --8<-- [start:measured]
SIZE = 25
with Path("banking77.csv").open(encoding="utf-8") as file:
    questions = [row["text"] for row in csv.DictReader(file)][::50]
cosines = []
for start in range(0, len(questions), SIZE):
    batch = tokenizer(questions[start : start + SIZE], padding=True, return_tensors="pt")
    rows, mask = model(**batch).last_hidden_state, batch.attention_mask[..., None]
    right = (rows * mask).sum(dim=1) / mask.sum(dim=1)
    cosines += torch.cosine_similarity(right, rows.mean(dim=1)).tolist()
# --8<-- [end:measured]

numbers = {
    "texts": len(questions),
    "texts a batch": SIZE,
    "cosine of the mean with padding to the mean without, median": np.median(cosines),
    "cosine of the mean with padding to the mean without, lowest": min(cosines),
}
torch.set_grad_enabled(True)
listed = [{"name": name, "value": float(value)} for name, value in numbers.items()]
print(json.dumps({"numbers": listed}, indent=1))
