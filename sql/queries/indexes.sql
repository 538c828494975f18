-- The indexes that have each row of their table: of this schema's tables, of the chunks of hourly candles and of the
-- bars that are kept. Those of a compressed chunk have no row that is compressed.
with held as (
    select chunk_schema, chunk_name
    from timescaledb_information.chunks chunk
    left join timescaledb_information.continuous_aggregates bars
        on bars.materialization_hypertable_schema = chunk.hypertable_schema
        and bars.materialization_hypertable_name = chunk.hypertable_name
    where not is_compressed
        and ((chunk.hypertable_schema = current_schema() and chunk.hypertable_name = 'candle_1h')
            or bars.view_schema = current_schema())
    union all
    select schemaname, tablename
    from pg_tables
    where schemaname = current_schema()
        and tablename not in (
            select hypertable_name from timescaledb_information.hypertables where hypertable_schema = current_schema()
        )
)
select
    held.chunk_schema, held.chunk_name, index.relname::text,
    array(
        select attname::text
        from unnest(indkey) with ordinality as part (attnum, place)
        join pg_attribute using (attnum)
        where attrelid = indrelid
        order by place
    )
from held
join pg_index on indrelid = format('%I.%I', held.chunk_schema, held.chunk_name)::regclass
join pg_class index on index.oid = indexrelid
join pg_am on pg_am.oid = index.relam
where indisvalid and indpred is null and indexprs is null and amname = 'btree'
order by 1, 2, 3
