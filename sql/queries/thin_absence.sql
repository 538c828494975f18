-- What these coins lacked at a source, and have by now: every hour of it is held, as a traded candle, since a traded one
-- is still asked for where there is but an indicative one. What made an outage known stays. The first and the last hour
-- are looked up before all are counted: most of what is missing lacks one of them.
with old as materialized (
    select coin, source, starts_at, ends_at
    from absence
    where coin = any (%(coins)s::integer[]) and last_at < %(before)s
        and not exists (
            select from outage
            where outage.source = absence.source
                and tstzrange(outage.starts_at, outage.ends_at) && tstzrange(absence.starts_at, absence.ends_at)
        )
        and exists (select from candle_1h hour where hour.coin = absence.coin and open_time = absence.starts_at)
        and exists (
            select from candle_1h hour
            where hour.coin = absence.coin and open_time = absence.ends_at - interval '1 hour'
        )
)
delete from absence
using old
where (absence.coin, absence.source, absence.starts_at, absence.ends_at)
        = (old.coin, old.source, old.starts_at, old.ends_at)
    and absence.last_at < %(before)s
    and extract(epoch from old.ends_at - old.starts_at) / 3600 = (
        select count(*)
        from candle_1h hour
        join source on source.key = hour.source and source.traded
        where hour.coin = old.coin and hour.open_time >= old.starts_at and hour.open_time < old.ends_at
    )
