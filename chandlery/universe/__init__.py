"""Which coins there are and where they trade: learnt, renamed, delisted, left out."""

from chandlery.universe.learn import Universe, learn, learn_if_due

__all__ = ["Universe", "learn", "learn_if_due"]
