"""The venues on loopback: a server that answers as they do, with their limits and their moods.

It imports nothing of the project's other rooms: two readings of an API must not share a mistake.
"""

from sandbox.app import application
from sandbox.odd import Odd
from sandbox.serving import Serving, serving
from sandbox.words import BadOption

__all__ = ["BadOption", "Odd", "Serving", "application", "serving"]
