"""Makes, checks, compares and publishes the release folder.

============  ===============================================================
build         makes a release folder from what split wrote
companions    writes the files beside the rows
layout        names of a release and of its files
marked        keeps what people wrote around our part of a card
markdown      escapes text from rows and models
front_matter  reads the YAML of a card
tree          reads a folder on this disk or on the Hub
standing      identifies the release that a folder holds
lookup        finds one row of a release
rows          writes and counts the Parquet files
texts         writes the card and the other files for people
diff          compares two versions
check         checks that a release or stage folder is whole and right
hub           pushes a release to the Hub
============  ===============================================================
"""
