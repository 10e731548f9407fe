"""What BertForSequenceClassification reads of a text, and which rows its fine-tuning moves."""

# --8<-- [start:reads]
import csv
import json
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, BertForSequenceClassification

import poolwise

enc = poolwise.load("demo")
with Path("banking77.csv").open(encoding="utf-8") as file:
    texts, labels = zip(*[row.values() for row in csv.DictReader(file)][::60], strict=True)
classes = sorted(set(labels))

torch.manual_seed(0)
tokenizer = AutoTokenizer.from_pretrained(enc.folder)
model = BertForSequenceClassification.from_pretrained(enc.folder, num_labels=len(classes)).eval()
batch = tokenizer(list(texts[:16]), padding=True, return_tensors="pt")
targets = torch.tensor([classes.index(label) for label in labels])

outputs = model.bert(**batch, output_hidden_states=True)
first = outputs.last_hidden_state[:, 0]  # row 0 of the last block: the hidden state of [CLS]
pooler = model.bert.pooler.dense
by_hand = torch.tanh(first @ pooler.weight.T + pooler.bias)
assert torch.allclose(by_hand, outputs.pooler_output, atol=1e-6)
assert torch.allclose(model(**batch).logits, model.classifier(by_hand), atol=1e-5)  # all it sees

difference = np.abs(enc.embed(texts[:16], "pooler") - by_hand.detach().numpy()).max()
assert difference < 1e-5
# --8<-- [end:reads]

# --8<-- [start:gradient]
for state in outputs.hidden_states:
    state.retain_grad()
logits = model.classifier(outputs.pooler_output)
torch.nn.functional.cross_entropy(logits, targets[:16]).backward()

real = batch.attention_mask.bool()
last, embedded = (outputs.hidden_states[k].grad.norm(dim=-1) for k in (-1, 0))
assert (last[:, 0] > 0).all()
assert (last[:, 1:] == 0).all()  # the head reads row 0 alone,
assert (embedded[real] > 0).all()  # but what row 0 is made of is every token of the text
assert (embedded[~real] == 0).all()  # and no padding
share = (embedded[:, 0].square().sum() / embedded.square().sum()).item()

rows = model.bert.embeddings.word_embeddings.weight
assert rows.grad[tokenizer.cls_token_id].norm() > 0  # so the embedding of [CLS] is trained
# --8<-- [end:gradient]

# --8<-- [start:steps]
STEPS, SIZE, RATE = 10, 16, 5e-5
before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
seen = set()
model.train()
for step in range(STEPS):
    chosen = range(step * SIZE, (step + 1) * SIZE)
    batch = tokenizer([texts[i] for i in chosen], padding=True, return_tensors="pt")
    seen.update(batch.input_ids.unique().tolist())
    optimizer.zero_grad()
    model(**batch, labels=targets[list(chosen)]).loss.backward()
    optimizer.step()
# --8<-- [end:steps]

# --8<-- [start:moved]
after = dict(model.named_parameters())


def moved(name: str) -> torch.Tensor:
    """How far each row of a matrix moved, as a share of its length."""
    return ((after[name] - before[name]).norm(dim=-1) / before[name].norm(dim=-1)).detach()


word = moved("bert.embeddings.word_embeddings.weight")
special = {tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id}
words = sorted(seen - special)
unseen = sorted(set(range(len(word))) - seen)
assert word[tokenizer.cls_token_id] > 0
assert (word[words] > 0).all()
assert (word[unseen] == 0).all()
# --8<-- [end:moved]

numbers = {
    "largest difference of the pooler's output, poolwise less transformers": difference,
    "squared gradient on the first token's embedding, share": share,
    "steps": STEPS,
    "texts a step": SIZE,
    "learning rate": RATE,
    "relative change of [CLS]'s row": word[tokenizer.cls_token_id].item(),
    "relative change of [SEP]'s row": word[tokenizer.sep_token_id].item(),
    "relative change of words that occurred, median": word[words].median().item(),
    "relative change of words that occurred, largest": word[words].max().item(),
    "words that occurred": len(words),
    "relative change of words that did not occur, largest": word[unseen].max().item(),
    "words that did not occur": len(unseen),
    "relative change of the first position's row": moved(
        "bert.embeddings.position_embeddings.weight"
    )[0].item(),
    "relative change of the pooler's rows, median": moved("bert.pooler.dense.weight")
    .median()
    .item(),
    "relative change of the last block's rows, median": moved(
        f"bert.encoder.layer.{enc.depth - 1}.output.dense.weight"
    )
    .median()
    .item(),
}
listed = [{"name": name, "value": float(value)} for name, value in numbers.items()]
print(json.dumps({"numbers": listed}, indent=1))
