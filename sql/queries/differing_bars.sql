-- The bars of a timeframe in a window of whole days that differ from their hours. Days that are noted for a refresh are
-- left out. A note without ends is no reason: it says that somewhere hours were deleted.
select coin, open_time, lost, uncounted
from differing_bars(%(timeframe)s, %(start)s, %(end)s) bar
where not exists (
    select from stale where isfinite(starts_at) and bar.open_time >= starts_at and bar.open_time < ends_at
)
order by open_time, coin
