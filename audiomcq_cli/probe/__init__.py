"""How far the answers of a corpus can be guessed from its text alone, by who neither hears nor knows anything.

A label says of one row whether some models knew its answer. A probe says of a whole corpus whether a model that is
trained on it can learn the answers without the audio: that one option is the key more often than others, that a word
gives the key away, that the longest option is right. What is right more often than chance is no question about sound.

=========  ============================================================================================================
asked      What does a probe know of a row, and of which form is it?
sample     Which rows are looked at where a corpus has too many?
table      What are the rows as whole numbers: options, words, folds?
counting   Which option of each row is the most likely, and which the least, by counting what was the key elsewhere?
learning   How far does a trained model get (reported only; it decides nothing)?
scoring    How often is a guess right, and how sure is that?
telling    Which words, positions and lengths give the key away?
report     What comes of it all, as plain data, and what is above a limit?
=========  ============================================================================================================

What decides about rows counts in whole numbers and breaks ties by a hash, so it is the same on every machine.
"""
