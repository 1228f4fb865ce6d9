"""Errors of the engine, as in ``vllm/v1/engine/exceptions.py``."""


class EngineDeadError(Exception):
    """The engine's process has ended."""
