"""Reasoning by template for questions that captions answer; ``measured/telling.py`` writes that of proved ones.

=======  ==================================================================
scene    What do captions agree on, as a listener would tell it?
events   Why is an event, a pair or an order not what is heard?
music    Why is an instrument, a voice or a pair of traits not what is heard?
compose  What is the whole reasoning of a question that captions answer?
=======  ==================================================================
"""
