"""The commands, one file each.

=========  =========================================
corpus     ``run``, ``export`` and ``recipe-schema``
demo       ``demo``
importing  ``import``
journal    ``journal pack``, ``unpack`` and ``info``
publish    ``publish``
releases   ``diff`` and ``validate``
sources    ``sources``
stages     one command a stage
status     ``status``
trace      ``trace``
=========  =========================================
"""
