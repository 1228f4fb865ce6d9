"""Files on disk: shards, manifests, prompts and schemas.

===========  ==========================================
files        replaces, hashes and locks files
shards       names, reads and writes Parquet shards
manifest     reads and writes the manifest of a stage
owner        records which corpus owns a work folder
prompts      finds, reads and renders prompts
resources    finds the package's own files
descriptors  raises the limit of open files
===========  ==========================================
"""
