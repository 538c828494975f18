"""Which coins there are and where they trade: learnt, renamed, delisted, left out."""
