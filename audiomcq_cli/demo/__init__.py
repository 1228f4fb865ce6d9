"""Clips that are synthesised and described by one table, so that everything said about them is true.

All modules but this one import numpy at once: import them where they are used.
"""
