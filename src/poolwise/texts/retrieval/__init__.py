"""Queries, a corpus and relevance: BEIR folders, TREC qrels, MTEB layouts, positives, labels."""
