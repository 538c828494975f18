-- The hours in these coins' lives that nobody could have.
select coin, lower(part), upper(part)
from missing_run
cross join lateral unnest(unlisted) as part
where coin = any (%(coins)s::integer[])
order by 1, 2
