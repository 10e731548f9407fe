"""What the columns and the metadata keys of files mean."""

from __future__ import annotations

from poolwise.records import ROW_FLAGS

COLUMNS = {
    "id": "the row's number in its source, from 0, or what the id column says",
    "text": "the text as it was read",
    "n_tokens": "tokens that the encoder has read, special ones included",
    **{name: flag.meaning for name, flag in ROW_FLAGS.items()},
}
"""Of rows of vectors."""

PART_COLUMNS = {
    **COLUMNS,
    "problem": "why the row has no vector; null where it has",
    "text_hash": "a hash of the text, by which --update knows rows that have not changed",
}
"""Of a corpus job's parts."""

METADATA = {
    "poolwise": "the version of poolwise",
    "model": "the model: a hub id, demo, or a folder's last name",
    "model_hash": "a hash over its configuration, weights and tokenizer",
    "engine": "what computed: native or transformers",
    "precision": "the arithmetic: exact, near or fast",
    "prompt": "what stood in front of every text, where something did",
    "prompt_pooled": "no, where pools leave out the tokens of the prompt",
    "fitted_on": "the texts that steps were fitted on, and their hash",
    "texts": "the source of the texts: a file's name, or what it is",
    "texts_sha256": "a hash over the texts, in their order",
    "readouts": "the readouts, as they are written",
    "columns": "by the name of each renamed column its readout",
    "rows": "how many",
    **{name: f"how many rows have it: {flag.meaning}" for name, flag in ROW_FLAGS.items()},
}
"""Of a file of vectors, without the prefix."""

READOUT_KEYS = {
    "readout": "the readout, as it is written",
    "transform": "the file beside it with what its steps have learned",
    "prompt": "what stood in front of the texts, or of the documents; an empty text for nothing",
    "query_prompt": "what stood in front of queries, where it was chosen for search",
    "made": "a table: how it came about; a sweep adds data, task, score and seed",
}
"""Of a readout.toml."""

SCORES = {
    "data": "the data set",
    "model": "the model; null of a baseline",
    "readout": "the readout, or the name of the baseline",
    "baseline": "whether it is a baseline, which needs no encoder",
    "pool": "the readout's pool",
    "layers": "its layers, as they are written; null of the pooler",
    "steps": "its steps, with bars between them",
    "part": "the rows that the score is of",
    "score": "the name of the score: accuracy, nDCG@10, …",
    "value": "the score",
    "low": "the lower end of its 95 % interval",
    "high": "the upper end",
    "chosen": "whether it is the one to use",
    "tied": "whether it is not shown to be worse than the best",
    "dimensions": "values in one vector",
    "cost": "the share of the encoder's blocks that it runs",
}
"""Of a sweep's scores.parquet."""

FINDING = {
    "study": "the study that found it",
    "question": "what was asked",
    "verdict": "the answer, one sentence",
    "numbers": "the statistics that it rests on, with intervals and controls",
    "charts": "what is drawn, as data: kind, title and the values",
    "notes": "what should be known of the data and the method",
    "made": "how it came about: versions, model and its hash, data and their hash, seed, date",
    "evidence": "one line with the numbers of the verdict",
}
"""Of one finding of findings.json."""

NUMBER = {
    "name": "the statistic's name",
    "value": "its value; null where it is undefined",
    "low": "the lower end of its 95 % interval",
    "high": "the upper end",
    "where": "what it is of: readout, layer, data, …",
    "control": "whether it is a comparison that should show nothing",
    "note": "why a value or an interval is missing",
    "baseline": "whether it is a score to beat",
}
"""Of one of a finding's numbers."""

ANSWER = {
    "recommendation": "what to use, one sentence",
    "reason": "one number with its interval, against what is used now",
    "cost": "dimensions, share of the blocks, speed measured here",
    "certainty": "how sure that is",
    "command": "the next command to run; an empty text for none",
    "notes": "why findings that seem to contradict each other do not",
    "charts": "of several models: the best of each, and scores against time",
}
"""Of a sweep's answer.json."""

JOB = {
    "format": "the version of this file's format",
    "inputs": "what each input is: name, rows, size and time, or hash",
    "fingerprint": "all else that the bytes of the parts depend on",
    "request": "what was asked for, so that verify and search need no options",
    "parts": "of each part its number, first row, and what is in it: [input, first row, rows]",
}
"""Of a corpus job's plan.json."""
