"""Runs an export: rows of a stage folder become files that a trainer reads, in a folder of their own.

======  ============================================================================
export  How is a folder exported, and when is there nothing to do?
rows    How does each row become records, or is left out and counted?
files   How are records written as JSON lines, a JSON list, CSV or Parquet?
audio   Where is the audio of a row, and how does it get into the folder?
folder  Which files are the export's own, and how are they put in place together?
======  ============================================================================
"""
