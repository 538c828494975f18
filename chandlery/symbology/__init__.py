"""Which coins there are and where they trade: learnt, renamed, delisted, left out."""

from chandlery.symbology.learn import Universe, learn, learn_if_due

__all__ = ["Universe", "learn", "learn_if_due"]
