"""What conlleval counts, on cases worked out by hand."""

import numpy as np
import pytest

from poolwise.errors import StudyError
from poolwise.studies.tagging.corpus import f1
from poolwise.studies.tagging.entities import ENTITIES, WORDS, entities, scheme_of


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("O O O", []),
        ("B-PER I-PER O B-LOC", [(0, 2, "PER"), (3, 4, "LOC")]),
        ("O B-PER B-PER", [(1, 2, "PER"), (2, 3, "PER")]),
        # IOB1: an entity begins without B unless it follows one of its own kind.
        ("I-PER I-PER O I-LOC", [(0, 2, "PER"), (3, 4, "LOC")]),
        ("I-PER B-PER I-PER", [(0, 1, "PER"), (1, 3, "PER")]),
        # The kind changes, and with it the entity, whatever the prefix.
        ("B-PER I-LOC I-LOC", [(0, 1, "PER"), (1, 3, "LOC")]),
        ("I-PER I-LOC", [(0, 1, "PER"), (1, 2, "LOC")]),
        ("B-PER I-ORG I-PER", [(0, 1, "PER"), (1, 2, "ORG"), (2, 3, "PER")]),
        # BIOES, and BILOU for the same.
        ("S-PER B-LOC I-LOC E-LOC S-LOC", [(0, 1, "PER"), (1, 4, "LOC"), (4, 5, "LOC")]),
        ("U-PER B-LOC I-LOC L-LOC U-LOC", [(0, 1, "PER"), (1, 4, "LOC"), (4, 5, "LOC")]),
        ("B-LOC E-LOC I-LOC", [(0, 2, "LOC"), (2, 3, "LOC")]),
        ("S-LOC I-LOC E-LOC", [(0, 1, "LOC"), (1, 3, "LOC")]),
        ("O E-LOC E-LOC", [(1, 2, "LOC"), (2, 3, "LOC")]),
        # A kind may hold a hyphen, and may be absent.
        ("B-creative-work I-creative-work", [(0, 2, "creative-work")]),
        ("B I O B", [(0, 2, ""), (3, 4, "")]),
    ],
)
def test_entities_are_read_as_conlleval_reads_them(tags, found):
    assert entities(tags.split()) == set(found)


def test_an_entity_counts_only_whole_and_with_its_kind():
    gold = "B-PER I-PER O B-LOC O B-ORG".split()
    guess = "B-PER O O B-LOC O B-LOC".split()
    assert ENTITIES.counts(gold, guess) == (1, 3, 3)
    assert f1(np.array(ENTITIES.counts(gold, guess))) == pytest.approx(1 / 3)


def test_schemes_do_not_matter_for_what_is_found():
    assert entities("B-A I-A O B-A".split()) == entities("B-A E-A O S-A".split())
    assert entities("B-A I-A O B-A".split()) == entities("I-A I-A O I-A".split())


def test_f1_of_nothing_found_is_zero_and_of_plain_tags_the_accuracy():
    assert f1(np.array([0, 0, 3])) == 0
    assert f1(np.array([0, 0, 0])) == 0
    assert f1(np.array(WORDS.counts("N V N D".split(), "N V V D".split()))) == 0.75


def test_the_scheme_is_told_from_the_tags():
    assert scheme_of("O B-x I-x".split(), "here") is ENTITIES
    assert scheme_of("O B I".split(), "here") is ENTITIES
    assert scheme_of("NOUN VERB X -LRB-".split(), "here") is WORDS


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["O", "O"], "here: every word has the tag 'O', so there is no entity"),
        (["NOUN"], "every word has the tag 'NOUN', so there is nothing to tell apart"),
        (["O", "B-x", "place"], "'place' has none; expected O and B-, I-"),
    ],
)
def test_tags_that_tell_nothing_are_refused(tags, message):
    with pytest.raises(StudyError, match=message):
        scheme_of(tags, "here")
