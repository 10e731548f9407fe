"""Queries, a corpus and relevance, from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poolwise.errors import TextError
from poolwise.texts.datasets import RetrievalData
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.omitted_rows import OmittedRows
from poolwise.texts.retrieval.assembly import RetrievalSources, match_ids
from poolwise.texts.retrieval.columns import RetrievalFormat
from poolwise.texts.retrieval.id_texts import IdText, IdTexts
from poolwise.texts.retrieval.layouts import RetrievalLayout, find_layout
from poolwise.texts.retrieval.positives import read_positives
from poolwise.texts.retrieval.relevance import Judgments, read_judgments
from poolwise.texts.retrieval.relevance_rows import Judgment
from poolwise.texts.sampling import as_limit
from poolwise.texts.tables import Input, Inputs, by_split, input_name, joined_names


def open_queries(
    queries: Inputs,
    corpus: Inputs | None = None,
    relevance: Inputs | None = None,
    *,
    dev: Inputs | None = None,
    test: Inputs | None = None,
    text_column: str | None = None,
    id_column: str | None = None,
    columns: Sequence[str] | None = None,
    encoding: str = "utf-8",
    limit: int | None = None,
    corpus_limit: int | None = None,
    seed: int | None = 0,
    max_text_bytes: int = MAX_TEXT_BYTES,
) -> RetrievalData:
    """The queries, the corpus and the relevance of its documents, in memory.

    ``queries`` alone is a folder in BEIR's layout (``corpus.jsonl``, ``queries.jsonl``,
    ``qrels/test.tsv``), a Hugging Face dataset in MTEB's (``hf:NAME[[:CONFIG]:SPLIT]`` or a folder,
    with the configurations ``corpus``, ``queries`` and ``default`` or ``qrels``), or a table with a
    query and its positives, and negatives if any, in each row (CSV, TSV, JSON Lines, Parquet): the
    corpus is then all positives and negatives, each once, and negatives are judged 0.

    Else ``queries`` and ``corpus`` are tables of ids and texts, and ``relevance`` is TREC's qrels,
    a table of query id, document id and grade, or JSON ``{query: {document: grade}}``. All may be
    compressed, ``-`` for standard input, or tables in memory. ``text_column`` and ``id_column`` are
    those of queries and corpus; ``columns`` those of relevance, or query, positive and negatives:
    names, or numbers from 1. ``dev`` and ``test`` are relevance (or tables with positives) of these
    splits; a folder has its own. Queries all of one split have none.

    Only queries with a relevant document count. At most ``limit`` of them, and of the corpus at
    most ``corpus_limit`` documents (more where more are judged for these queries), are drawn by
    ``seed``; the first ones where it is None. ``notes`` count what was left out, drawn, or is there
    twice.

    Raises TextError where a source or column is not there or cannot be told, where ids do not
    match, where the corpus is empty, where no query has a relevant document, and at the first row
    that is something else, or that has more than ``max_text_bytes``.
    """
    form = RetrievalFormat(encoding, max_text_bytes, text_column, id_column, columns)
    layout = find_layout(queries) if isinstance(queries, str) and corpus is None else None
    if layout is not None:
        if not (dev is test is relevance is None):
            raise TextError(
                f"{queries} holds its own relevance and splits; name it alone, or its files with "
                "queries, corpus and relevance"
            )
        sources = _from_parts(layout, form)
    elif corpus is None and relevance is None:
        sources = _from_positives(by_split(queries, dev, test), form)
    elif corpus is None or relevance is None:
        missing = "no corpus" if corpus is None else "no relevance"
        raise TextError(
            f"found {missing}; expected queries, corpus and relevance together, or queries alone "
            "where they are a folder of all three, or a table with positives"
        )
    else:
        parts = RetrievalLayout(
            joined_names({"": _listed(queries)}),
            _listed(queries),
            _listed(corpus),
            by_split(relevance, dev, test),
        )
        sources = _from_parts(parts, form)
    return match_ids(sources, as_limit(limit, seed), as_limit(corpus_limit, seed))


def _listed(inputs: Inputs) -> Sequence[Input]:
    return by_split(inputs)[""]


def _from_parts(layout: RetrievalLayout, form: RetrievalFormat) -> RetrievalSources:
    judgments, notes = read_judgments(layout.relevance, form)
    queries = IdTexts.read(layout.queries, "query", form)
    queries.notes += notes
    corpus = IdTexts.read(layout.corpus, "document", form)
    judged_in = joined_names(layout.relevance)
    return RetrievalSources(layout.name, queries, corpus, judgments, judged_in)


def _from_positives(
    inputs: Mapping[str, Sequence[Input]], form: RetrievalFormat
) -> RetrievalSources:
    """Queries 1, 2, … and documents d1, d2, … in their order, each text once.

    No document has a query's id: it would be taken for the query itself, and not be ranked.
    """
    name, judgments = joined_names(inputs), Judgments()
    queries: dict[str, str] = {}
    documents: dict[str, str] = {}
    notes = []
    for split, sources in inputs.items():
        for source in sources:
            omitted = OmittedRows()
            for row in read_positives(source, form, omitted):
                query = queries.setdefault(row.query, str(len(queries) + 1))
                for grade, texts in ((1.0, row.positives), (0.0, row.negatives)):
                    for text in texts:
                        document = documents.setdefault(text, f"d{len(documents) + 1}")
                        judgments.add(Judgment(query, document, grade, split or row.split))
            notes += [f"{input_name(source)}: {note}" for note in omitted.notes()]
    if not queries:
        reason = "".join(f"; {note}" for note in notes)
        raise TextError(f"{name} holds no queries with positives{reason}")
    query_rows, document_rows = (
        [IdText(row_id, text) for text, row_id in texts.items()] for texts in (queries, documents)
    )
    return RetrievalSources(
        name,
        IdTexts(name, query_rows, [*notes, *judgments.notes()]),
        IdTexts(name, document_rows),
        judgments,
        name,
    )
