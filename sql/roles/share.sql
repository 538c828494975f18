-- What the writer and the reader of this database may do, where there are such roles. Run by the owner after each
-- migration; a second time changes nothing.
do $$
declare
    place text := current_schema();
    writer text := current_database() || '_writer';
    reader text := current_database() || '_reader';
    owner text := (select tableowner from pg_tables where schemaname = place and tablename = 'migration');
    aggregates text[] := '{candle_4h,candle_1d}'; -- in order: the second is made from the first
    views text[] := '{made_4h,made_1d,bar_week,bar_month,market_data,market_data_adjusted,newest,life,missing_run,run_reason,gap,coverage,historical_data_range,data_quality}'; -- and each of these from those before it
    given record;
    part record;
begin
    if to_regrole(quote_ident(writer)) is null or to_regrole(quote_ident(reader)) is null then
        return;
    end if;
    if not pg_has_role(owner, 'usage') then
        raise 'the tables are %''s to share out, and this is %', owner, current_user;
    end if;

    if not (has_database_privilege(writer, current_database(), 'temp')
        and has_database_privilege(writer, current_database(), 'connect')
        and has_database_privilege(reader, current_database(), 'connect')) then
        execute format('grant connect on database %I to %I, %I', current_database(), writer, reader);
        execute format('grant temporary on database %I to %I', current_database(), writer);
    end if;
    execute format('grant usage on schema %I to %I, %I', place, writer, reader);
    -- Until PostgreSQL 15 everybody may; and who may could have compress_candles() call a function of his own.
    if has_schema_privilege('public', place, 'create') then
        execute format('revoke create on schema %I from public', place);
        if has_schema_privilege('public', place, 'create') then
            raise 'everybody may create things in the schema %: as its owner, revoke create on schema % from public',
                place, place;
        end if;
    end if;

    -- To refresh a continuous aggregate one has to own it, and a new owner would have to have rights in TimescaleDB's own
    -- schema that only a superuser can give. So the writer makes them anew, and what they hold comes with the next refresh.
    -- What it owns can all be made again from the candles. They are not its own.
    if exists (
        select from pg_views where schemaname = place and viewname = any (aggregates) and viewowner <> writer
    ) then
        create temp table lost on commit drop as
        select
            relname as name, relname = any (aggregates) as is_aggregate,
            array_position(aggregates || views, relname::text) as place,
            coalesce(
                (
                    select rtrim(view_definition, ';')
                    from timescaledb_information.continuous_aggregates
                    where view_schema = relnamespace::regnamespace::text and view_name = relname
                ),
                pg_get_viewdef(relation.oid)
            ) as definition
        from pg_class relation
        where relnamespace = place::regnamespace and relname = any (views || aggregates);
        for part in select * from lost order by lost.place desc loop
            execute format(
                'drop %s %I.%I', case when part.is_aggregate then 'materialized view' else 'view' end, place, part.name
            );
        end loop;
        execute format('grant create on schema %I to %I', place, writer);
        execute format('grant select, trigger on %I.candle_1h to %I', place, writer);
        for part in select * from lost order by lost.place loop
            if part.is_aggregate then
                execute format('set local role %I', writer);
                execute format(
                    'create materialized view %I.%I with (timescaledb.continuous, timescaledb.materialized_only = false)'
                    ' as %s with no data',
                    place, part.name, part.definition
                );
                reset role;
                execute format('grant select on %I.%I to current_user', place, part.name);
            elsif part.name like 'made\_%' then
                perform view_what_is_made(replace(part.name, 'made_', ''));
            else
                execute format('create view %I.%I as %s', place, part.name, part.definition);
            end if;
        end loop;
        execute format('revoke create on schema %I from %I', place, writer);
        perform describe();
        insert into stale (starts_at, ends_at)
        select '-infinity', 'infinity' where exists (select from candle_1h);
    end if;

    -- A candle is replaced and never deleted, and what it was stays. `account` has digests of keys and of proxies'
    -- passwords, `claim` the names of machines: they are not for readers.
    for given in
        select *
        from (
            values
                ('candle_1h', 'select, insert, update', 'select'),
                ('restated', 'select, insert', 'select'),
                ('imported', 'select, insert', 'select'),
                ('stale', 'select, insert, delete', 'select'),
                ('wanted', 'select, insert, update', 'select'),
                ('coin', 'select, insert, update', 'select'),
                ('coin_rank', 'select, insert, update', 'select'),
                ('coin_alias', 'select, insert, update, delete', 'select'),
                ('unconfirmed', 'select, insert, update, delete', 'select'),
                ('listing', 'select, insert, update', 'select'),
                ('source', 'select, insert, update', 'select'),
                ('learnt', 'select, insert, update', 'select'),
                ('spent', 'select, insert, update', 'select'),
                ('finding', 'select, insert, update, delete', 'select'),
                ('adjustment', 'select, insert, update, delete', 'select'),
                ('quality', 'select, insert, update, delete', 'select'),
                ('health', 'select, insert, update', 'select'),
                ('last_run', 'select, insert, update', 'select'),
                ('absence', 'select, insert, update, delete', 'select'),
                ('outage', 'select, insert, update, delete', 'select'),
                ('claim', 'select, insert, update, delete', null),
                ('account', 'select, insert, update', null),
                ('copied', 'select', 'select'),
                ('migration', 'select', 'select')
        ) as tables (name, writers, readers)
        union all
        select name, 'select', 'select' from unnest(views) as name
        union all
        select name, null, 'select' from unnest(aggregates) as name
    loop
        if given.writers is not null then
            execute format('revoke all on %I.%I from %I', place, given.name, writer);
            execute format('grant %s on %I.%I to %I', given.writers, place, given.name, writer);
        end if;
        execute format('revoke all on %I.%I from %I', place, given.name, reader);
        if given.readers is not null then
            execute format('grant %s on %I.%I to %I', given.readers, place, given.name, reader);
        end if;
    end loop;
    -- Where TimescaleDB keeps the rows of compressed chunks, it gives who may write to a table the same rights: past the
    -- table, whole batches of candles could be emptied there. What is written by way of the table needs none of them.
    for part in
        select oid::regclass as place
        from pg_class
        where relnamespace = to_regnamespace('_timescaledb_internal')
            and (relname like 'compress\_hyper\_%' or relname like '\_compressed\_hypertable\_%')
            and has_table_privilege(writer, oid, 'insert, update')
            and pg_has_role(owner, relowner, 'usage')
    loop
        execute format('revoke insert, update on %s from %I', part.place, writer);
    end loop;
    execute format('grant execute on function %I.compress_candles, %I.thin_restated to %I', place, place, writer);
end
$$;
