"""Servers for the tests: real HTTP, each in a process of its own."""
