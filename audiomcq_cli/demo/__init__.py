"""Synthesises clips that one table describes, so that every statement about them is true.

All modules but this one import numpy at once: import them where they are used.
"""
