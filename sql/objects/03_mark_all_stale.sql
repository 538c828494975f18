-- Rows taken away by hand must be missed too: all days are counted anew. Without ends, as after a truncate
-- TimescaleDB (2.28) refreshes a given range only as far as the rows that are left.
create or replace function mark_all_stale() returns trigger language plpgsql as $$
begin
    insert into stale (starts_at, ends_at) values ('-infinity', 'infinity');
    return null;
end
$$;
