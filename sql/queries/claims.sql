-- What others have of these coins in a window; what nobody renewed is thrown away, and what a clock that was ahead wrote:
-- a lease lasts minutes.
with over as (
    delete from claim
    where lease_until <= clock_timestamp() or lease_until > clock_timestamp() + interval '1 day'
)
select coin, starts_at, ends_at, run, name, machine, pid, born
from claim
where coin = any (%(coins)s::integer[]) and starts_at < %(end)s and ends_at > %(start)s
    and lease_until > clock_timestamp() and lease_until <= clock_timestamp() + interval '1 day'
order by coin, starts_at
