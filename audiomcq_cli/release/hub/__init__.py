"""Puts a release on the Hub and reads it back.

=========  ==================================================
push       uploads, commits and tags a release
repo       one dataset repository of the Hub
commits    compares a commit with the files of a folder
read_back  checks that users get what was sent
earlier    finds the version that is already there
=========  ==================================================
"""
