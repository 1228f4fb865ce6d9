"""Families of measured questions: what is found in a clip, how the key is proved, how it is told.

========  ==========================================================
gaps      Counted sounds, the gap between them, and who enters when?
loudness  Where is a clip loudest or softest?
moments   When does a sound begin and end, and how long is it?
order     In which order are sounds heard?
pairs     Which sounds are heard together?
pitch     Which sound is higher, and where does a pitch go?
pulse     Does the beat change, and what repeats?
swell     Does a clip get louder or softer?
tempo     How fast is the beat?
voices    How many speak, and when?
words     Which words are said, and when?
========  ==========================================================
"""
