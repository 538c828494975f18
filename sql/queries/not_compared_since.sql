-- The window, drawn out to all holes of which nobody has looked yet what the venue had of others.
select least(min(starts_at), %(start)s), greatest(max(ends_at), %(end)s)
from absence
join source on source.key = absence.source and source.traded
where others is null and outcome in ('hole', 'between')
