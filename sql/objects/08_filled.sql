-- The bars of a length that lie wholly within these hours.
create or replace function filled(parts tstzmultirange, step interval) returns tstzmultirange immutable parallel safe language sql
return (
    select coalesce(
        range_agg(tstzrange(starts_at, ends_at)) filter (where starts_at < ends_at), '{}'
    )
    from (
        select
            time_bucket(step, bar_end(lower(part), step) - interval '1 hour') as starts_at,
            time_bucket(step, upper(part)) as ends_at
        from unnest(parts) part
    ) whole
);
