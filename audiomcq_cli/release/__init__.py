"""Makes, checks, compares and publishes the release folder.

============  ===============================================================
build         How is a release folder made of what split wrote?
companions    Which files lie in it beside the rows?
layout        What is a release called, and what is known of a file of it?
marked        Which part of a card is ours, and what that people wrote stays?
markdown      How is foreign text escaped?
front_matter  How is the YAML of a card read?
tree          How is a folder looked into, here or on the Hub?
standing      What is the release that lies in a folder?
lookup        How is one row of a release found?
rows          How are the Parquet files written and counted?
texts         What do the card and the other files for people say?
diff          What changed between two versions?
check         Is a release or stage folder whole and right?
hub           How does a release get to the Hub?
============  ===============================================================
"""
