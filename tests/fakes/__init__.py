"""Stand-ins for libraries that are not installed with the tests; their folder is put on the path of a test."""
