-- Per coin the hours whose close is another than at the coin's last check, by the same source: how many, and the
-- largest change. A better source's candle in the place of another's is no restatement, and what is less than `least`
-- is no news.
with since as (
    select
        coin,
        (
            select at from quality
            where coin = asked.coin and timeframe = '1h' and at < %(at)s::timestamptz
            order by at desc
            limit 1
        ) as at
    from unnest(%(coins)s::integer[]) as asked (coin)
), old as (
    select distinct on (restated.coin, restated.open_time)
        restated.coin, restated.open_time, restated.close, restated.source
    from restated
    join since on since.coin = restated.coin
    where restated.replaced_at <= %(at)s::timestamptz
        and restated.replaced_at > coalesce(since.at, '-infinity')
    order by restated.coin, restated.open_time, restated.replaced_at
), changed as (
    select
        old.coin, old.open_time, change,
        row_number() over (partition by old.coin order by abs(change) desc nulls last, old.open_time) as place
    from old
    join candle_1h hour on hour.coin = old.coin and hour.open_time = old.open_time
    cross join lateral (
        -- What was stored before prices had bounds has no quotient, and its change no number.
        select case
            when hour.close between 1e-100 and 1e100 and old.close between 1e-100 and 1e100
                then hour.close / old.close - 1
        end as change
    ) moved
    where hour.close <> old.close and hour.source = old.source and coalesce(abs(change) >= %(least)s, true)
)
select
    'restated', coin, min(open_time) filter (where place = 1),
    format(
        '%%s closed otherwise before; the largest change, %%s, at %%s',
        case count(*) when 1 then '1 hour' else count(*) || ' hours' end,
        coalesce(
            case when abs(min(change) filter (where place = 1)) < 1e7
                then to_char(100 * min(change) filter (where place = 1), 'FMSG999999990.00') || ' %%' end,
            'beyond measure'
        ),
        to_char(min(open_time) filter (where place = 1) at time zone 'UTC', 'YYYY-MM-DD HH24:MI"Z"')
    )
from changed
group by coin
