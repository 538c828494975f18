"""What can go wrong, told apart by what to do about it.

ChandleryError            one line that says what to do
├── Misuse                the user can mend it: a wrong option, setting or address
├── Gone                  the database went away in the middle, or has no room
├── Damaged               the database's files are not what was written to them
└── SourceError           a venue's answer, in the venue's own words
    ├── Unavailable       try later; `after` says how much later
    ├── Rejected          asking again will not help; the next source may
    ├── Blocked           this source is off for the rest of the run: region, ban, no key
    └── Malformed         the answer is not candles
"""

from datetime import timedelta


class ChandleryError(Exception):
    """One line for a person: what is wrong and what to do."""


class Misuse(ChandleryError):
    """A wrong option, setting or address. Nothing was written."""


class Gone(ChandleryError):
    """The database went away and stayed away, or cannot go on. What was committed stays."""


class Damaged(ChandleryError):
    """The database's files are not what was written to them; what lies elsewhere can be read."""


class SourceError(ChandleryError):
    """A venue did not give what was asked, in its own words."""


class Unavailable(SourceError):
    """Try later: time-out, server error, rate limit, or a refusal that nobody knows."""

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class Rejected(SourceError):
    """Asking again will not help: there is no such symbol, says the venue in so many words."""


class Blocked(SourceError):
    """The venue is closed to this address or key; `after` says until when, where it is known."""

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class Malformed(SourceError):
    """What came is not candles: another shape, or rules that half of it breaks, by their names."""
