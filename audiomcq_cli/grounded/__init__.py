"""Writes questions without a model, from what captions state, sources know and analyses measure.

==========  ==============================================================================
event       What is an event, and how does it read?
grammar     What do words do around nouns and verbs?
predicates  Who does what in a clause?
clauses     Which events does one caption state, and how is each linked to the one before?
lexicon     Which sources and actions do words name, and which of them imply each other?
hearing     What do all captions of a clip state together: events, order, overlap?
music       What do captions say of music, and how is it asked about?
clusters    Which clips are copies of the same recording or caption?
knowledge   What does the whole corpus say, as one small table?
blocks      Which four clips can share one question and one list of options?
measured    Which questions can be proved by numbers?
pool        Which events of other clips can be wrong options about a known event?
drafts      How does a possible question become a question, and how is one drawn?
shard_plan  Which questions are the clips of a shard asked, in blocks or alone?
shortfall   Why was nothing asked about a clip?
==========  ==============================================================================
"""
