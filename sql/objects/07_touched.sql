-- The bars of a length that these hours touch.
create or replace function touched(parts tstzmultirange, step interval) returns tstzmultirange immutable parallel safe language sql
return (
    select coalesce(
        range_agg(tstzrange(
            time_bucket(step, lower(part)), bar_end(time_bucket(step, upper(part) - interval '1 hour'), step)
        )),
        '{}'
    )
    from unnest(parts) part
);
