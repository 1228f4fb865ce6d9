"""Turns the requests of a flow into replies, whoever answers.

=========  =====================================================================================
drive      How is a flow started and fed until it returns?
asker      How is one request rendered, looked up, answered, checked and asked again?
answerers  Who answers what the journal lacks: a model, nobody (replay), an example (rehearsal)?
replies    Is a reply usable, and what is the model told if not?
catch_up   How does a resumed shard ask for missing replies while known ones are read?
=========  =====================================================================================
"""
