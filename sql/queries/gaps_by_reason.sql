-- How many gaps there are, and of how many hours, by reason; of some coins and within a window, if they are given.
select reason, count(*), sum(extract(epoch from part.ends_at - part.starts_at))::bigint / 3600 as hours
from run_reason
cross join lateral (
    select greatest(starts_at, %(start)s::timestamptz) as starts_at, least(ends_at, %(end)s::timestamptz) as ends_at
) part
where reason <> all (%(not_missing)s) and part.starts_at < part.ends_at
    and (%(coins)s::integer[] is null or coin = any (%(coins)s::integer[]))
group by reason
order by hours desc, reason
