"""Files on disk: shards, manifests, prompts and schemas.

===========  =====================================================================
files        How is a file replaced whole, hashed and locked?
shards       How are Parquet shards named, read and written?
manifest     How is the manifest of a stage read and written?
owner        Which corpus owns a work folder?
prompts      How are prompts found, read and rendered?
resources    Where do the prompts, schemas and examples of the package lie?
descriptors  How many files may be open, and what is said when there are too many?
===========  =====================================================================
"""
