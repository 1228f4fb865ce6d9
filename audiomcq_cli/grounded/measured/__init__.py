"""Questions whose key is proved by numbers: times of known events, measurements, words that were heard.

=========  ================================================================
clip       What do the families read of a clip?
family     What does a family declare?
families   Which families are there? One file each.
questions  Which drafts do all families make about a clip?
turns      Which of them are clips without a block asked?
proof      Is the key of a question what its numbers say?
numbers    How are numbers in a unit offered as options?
options    How are counts, statements, names and orders offered as options?
labels     How is the label of a known event written as a phrase?
timeline   How are times read, stated and compared?
weighing   How is one option held against what is heard?
saying     How is one thing said in several wordings?
telling    How is the reasoning behind a proved question written?
=========  ================================================================
"""
