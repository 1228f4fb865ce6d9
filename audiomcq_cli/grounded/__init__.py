"""Writes questions without a model, from what captions state, sources know and analyses measure.

=========  ==============================================================================
clauses    Which events does one caption state, and how is each linked to the one before?
lexicon    Which sources and actions do words name, and which of them imply each other?
hearing    What do all captions of a clip state together: events, order, overlap?
music      What do captions say of music, and how is it asked about?
knowledge  What does the whole corpus say, as one small table?
pool       Which events of other clips can be wrong options?
drafts     Which of the possible questions are asked?
questions  Which questions does a clip allow, and with which wrong options?
shortfall  Why were fewer questions found than wanted?
reasoning  How is the reasoning behind a question written from a template?
measured   Which questions can be proved by numbers?
blocks     Which four clips can share one question and one list of options?
=========  ==============================================================================
"""
