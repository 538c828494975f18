-- What others have of these coins in a window; what nobody renewed is thrown away.
with over as (
    delete from claim where lease_until <= clock_timestamp()
)
select coin, starts_at, ends_at, run, name, machine, pid, born
from claim
where coin = any (%(coins)s::integer[]) and starts_at < %(end)s and ends_at > %(start)s
    and lease_until > clock_timestamp()
order by coin, starts_at
