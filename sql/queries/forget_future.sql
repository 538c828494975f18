-- What a clock that was ahead left behind: moments later than %(latest)s, which is %(now)s and what clocks may differ by.
-- What came of asking is forgotten, and so asked for anew; other moments are taken for now, or for not known. What a venue
-- announces, an end or a beginning, may lie in the future for %(announced)s. How many rows of each table, and the latest.
-- Each column with a moment has its line in tests/store/test_future.py, also those that are left as they are.
with absences as (
    delete from absence where last_at > %(latest)s returning last_at as at
), outages as (
    delete from outage where ends_at > %(latest)s returning ends_at as at
), answers as (
    delete from unconfirmed where last_at > %(latest)s returning last_at as at
), checks as (
    delete from quality where at > %(latest)s returning at
), findings as (
    update finding as new
    set found_at = least(new.found_at, %(now)s), ended_at = least(new.ended_at, %(now)s)
    from finding as old
    where (old.kind, old.coin, old.open_time) = (new.kind, new.coin, new.open_time)
        and greatest(old.found_at, old.ended_at) > %(latest)s
    returning greatest(old.found_at, old.ended_at) as at
), coins as (
    update coin as new
    set seen_at = least(new.seen_at, %(now)s), priced_at = least(new.priced_at, %(now)s),
        market_caps_asked_at = case when new.market_caps_asked_at <= %(latest)s then new.market_caps_asked_at end
    from coin as old
    where old.key = new.key and greatest(old.seen_at, old.priced_at, old.market_caps_asked_at) > %(latest)s
    returning greatest(old.seen_at, old.priced_at, old.market_caps_asked_at) as at
), listings as (
    update listing as new
    set starts_at = case when new.starts_at <= %(announced)s then new.starts_at end,
        ends_at = case when new.ends_at <= %(announced)s then new.ends_at end,
        start_checked_at = case when new.start_checked_at <= %(latest)s then new.start_checked_at end,
        price_checked_at = case when new.price_checked_at <= %(latest)s then new.price_checked_at end
    from listing as old
    where (old.source, old.symbol, old.coin) = (new.source, new.symbol, new.coin)
        and (
            greatest(old.starts_at, old.ends_at) > %(announced)s
            or greatest(old.start_checked_at, old.price_checked_at) > %(latest)s
        )
    returning greatest(old.starts_at, old.ends_at, old.start_checked_at, old.price_checked_at) as at
), lists as (
    update learnt as new
    set at = %(due)s
    from learnt as old
    where old.what = new.what and old.at > %(latest)s
    returning old.at
), runs as (
    update last_run as new
    set ended_at = least(new.ended_at, %(now)s), good_at = least(new.good_at, %(now)s)
    from last_run as old
    where old.verb = new.verb and greatest(old.ended_at, old.good_at) > %(latest)s
    returning greatest(old.ended_at, old.good_at) as at
), sources as (
    update health as new
    set answered_at = case when new.answered_at <= %(latest)s then new.answered_at end,
        failed_at = case when new.failed_at <= %(latest)s then new.failed_at end
    from health as old
    where old.source = new.source and greatest(old.answered_at, old.failed_at) > %(latest)s
    returning greatest(old.answered_at, old.failed_at) as at
), quotas as (
    update spent set requests = 0
    where month > (%(latest)s::timestamptz at time zone 'UTC')::date and requests > 0
    returning month at time zone 'UTC' as at
), confirmed as (
    update adjustment as new
    set confirmed_at = %(now)s
    from adjustment as old
    where (old.coin, old.open_time) = (new.coin, new.open_time) and old.confirmed_at > %(latest)s
    returning old.confirmed_at as at
)
select name, count(*)::integer, max(at)
from (
    select 'absence' as name, at from absences
    union all select 'outage', at from outages
    union all select 'unconfirmed', at from answers
    union all select 'quality', at from checks
    union all select 'finding', at from findings
    union all select 'coin', at from coins
    union all select 'listing', at from listings
    union all select 'learnt', at from lists
    union all select 'last_run', at from runs
    union all select 'health', at from sources
    union all select 'spent', at from quotas
    union all select 'adjustment', at from confirmed
) done
group by name
order by name
