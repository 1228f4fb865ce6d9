"""Measures how many answers of a corpus can be guessed from its text alone, without audio or knowledge.

A label is about one row: did some models know its answer? A probe is about the corpus: can a model that is trained on
it learn the answers without the audio? It can if one option is the key more often than others, if a word gives the key
away, or if the longest option is usually right. A question whose answer can be learned that way is not about sound.

=========  ============================================================================================================
asked      What does a probe know of a row, and of which form is it?
sample     Which rows are looked at where a corpus has too many?
table      What are the rows as whole numbers: options, words, folds?
counting   Which option of each row is the most likely, and which the least, by counting what was the key elsewhere?
learning   How far does a trained model get (reported only; it decides nothing)?
scoring    How often is a guess right, and how sure is that?
telling    Which words, positions and lengths give the key away?
report     What are the results as plain data, and which forms are above a limit?
=========  ============================================================================================================

What decides about rows counts in whole numbers and breaks ties by a hash, so it is the same on every machine.
"""
