-- Where the volume of a whole day is about as many times that of two days before, or as small a part, as a coin costs: within
-- %(near)s of the price, as logarithms, where that is at least %(least)s. The source told dollars for coins on one side. Only
-- where it tells no dollars: else the two are held against the prices as they arrive. The day between may have both. A coin
-- that falls ten-thousandfold trades as many times as much (LUNA, 2022-05-12): its price is another, too.
select
    'volume', coin, open_time,
    format('%%s coins two days before, %%s on this day', round(before::numeric), round(volume::numeric))
    || ', and one costs {}', array[close]
from (
    select
        coin, open_time, close, volume, quote_volume, hours, sources,
        lag(volume, 2) over earlier as before, lag(hours, 2) over earlier as hours_before,
        lag(sources, 2) over earlier as sources_before, lag(close, 2) over earlier as close_before, lag(open_time, 2) over earlier as time_before
    from candle_1d
    where coin = any (%(coins)s::integer[])
    window earlier as (partition by coin order by open_time)
) day
where hours = 24 and hours_before = 24 and sources = sources_before and quote_volume is null
    and time_before = open_time - interval '48 hours'
    and case
        when least(volume, before, close, close_before) > 0 and greatest(volume, before, close, close_before) < 'infinity'
        then abs(ln(close)) > %(least)s and abs(ln(close) - ln(close_before)) < %(near)s
            and abs(abs(ln(volume) - ln(before)) - abs(ln(close))) < %(near)s
    end
