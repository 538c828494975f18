-- The chunks of the hourly candles and of the bars that are kept, and what each is of.
select chunk.chunk_schema, chunk.chunk_name, coalesce(bars.view_name, chunk.hypertable_name)
from timescaledb_information.chunks chunk
left join timescaledb_information.continuous_aggregates bars
    on bars.materialization_hypertable_schema = chunk.hypertable_schema
    and bars.materialization_hypertable_name = chunk.hypertable_name
where (chunk.hypertable_schema = current_schema() and chunk.hypertable_name = 'candle_1h')
    or bars.view_schema = current_schema()
order by 3, chunk.range_start
