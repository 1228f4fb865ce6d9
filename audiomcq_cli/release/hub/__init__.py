"""Puts a release on the Hub and reads it back.

=========  =================================================
push       What is uploaded, committed and tagged?
repo       How does a push see a repository of the Hub?
commits    Does a commit hold exactly the files of a folder?
read_back  Do its users get what was sent?
earlier    Which version lies there already?
=========  =================================================
"""
