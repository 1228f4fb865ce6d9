"""Shards, manifests, prompts and schemas on disk."""
