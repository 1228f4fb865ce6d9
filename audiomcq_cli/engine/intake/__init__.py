"""Turns sources and question sets into input shards.

=============  ==================================================================
sources        How is a source read: which clips, which audio, which problems?
partition      How are clips sorted into shards, with memory that does not grow?
questions      How are imported questions sorted into shards?
audio_hashes   How does a second pass over the sources avoid reading audio again?
audio_store    Where is audio kept that a source brings as bytes?
audio_missing  Which clips have no audio file?
watching       How is progress shown, and a stop obeyed, while sources are read?
=============  ==================================================================
"""
