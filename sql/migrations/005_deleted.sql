-- Rows taken away by hand must be missed too: their days are counted anew.
create function mark_all_stale() returns trigger language plpgsql as $$
begin
    insert into stale (starts_at, ends_at)
    select min(open_time), max(open_time) + interval '24 hours' from candle_1d having count(*) > 0;
    return null;
end
$$;
create trigger deleted after delete on candle_1h execute function mark_all_stale();
create trigger truncated after truncate on candle_1h execute function mark_all_stale();
