"""Gets one call to one address, in time and within limits and budget.

===========  ==============================================================
model        What can a model of the recipe do, and which addresses has it?
route        Where does a call go next, and when does it fail for good?
endpoints    When does the next call go out, and to which address?
endpoint     How does one address fare: in use, set aside, gone?
absence      For how long has no address answered at all?
quota        How many requests and tokens a minute may an address have?
concurrency  How many calls does an address take at once?
budget       What may a run spend, and what has it spent?
tokens       About how many tokens will a call take?
traffic      What went on between a run and its servers?
encoding     How is a clip encoded once for all calls about it?
remarks      What do servers let people know before the first call?
clock        What time is it, and who is woken when? (tests move it)
===========  ==============================================================
"""
