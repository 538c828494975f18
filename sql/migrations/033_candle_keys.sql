-- A candle is replaced in its place: an update that gives it another coin or hour takes away what was there, and
-- leaves no trace. The writer may not do that, no more than delete it; who owns the tables may. A row trigger: chunks
-- have it too, and `on conflict do update`, which sets neither, does not fire it.
create function refuse_to_move() returns trigger language plpgsql as $$
begin
    if (new.coin, new.open_time) is distinct from (old.coin, old.open_time)
        and not pg_has_role((select relowner from pg_class where oid = tg_relid), 'usage')
    then
        raise insufficient_privilege using message = 'a candle keeps its coin and its hour';
    end if;
    return new;
end
$$;
create trigger moved before update of coin, open_time on candle_1h for each row execute function refuse_to_move();
