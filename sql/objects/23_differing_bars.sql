-- The bars (4h or 1d) in a window of whole days that are not what their hours make: recomputed by the aggregate's own
-- definition, and compared value by value. A 1d bar is held to the 4h bars as they are kept. `lost` hours are counted in a
-- bar and gone, `uncounted` ones are there and not counted.
create or replace function differing_bars(timeframe text, since timestamptz, until timestamptz)
returns table (coin integer, open_time timestamptz, lost integer, uncounted integer) stable language plpgsql as $function$
declare
    definition text;
begin
    select rtrim(view_definition, ';')
    into strict definition
    from timescaledb_information.continuous_aggregates
    where view_schema = current_schema() and view_name = 'candle_' || timeframe;
    return query execute format($query$
        select
            coin, open_time,
            bit_count((coalesce(held.present, 0) & ~coalesce(made.present, 0))::bit(24))::integer,
            bit_count((coalesce(made.present, 0) & ~coalesce(held.present, 0))::bit(24))::integer
        from (select * from (%s) bar where open_time >= $1 and open_time < $2) made
        full join (select * from %I where open_time >= $1 and open_time < $2) held using (coin, open_time)
        where made is distinct from held
    $query$, definition, 'candle_' || timeframe) using since, until;
end
$function$;
