-- The chunks of hourly candles that end at or before `before` and are not compressed, or not wholly: what was written
-- to a compressed chunk lies beside it until the next time (bit 8 of its status; TimescaleDB has no view that tells).
select chunk.chunk_schema, chunk.chunk_name
from timescaledb_information.chunks chunk
join _timescaledb_catalog.chunk state on state.schema_name = chunk.chunk_schema and state.table_name = chunk.chunk_name
where chunk.hypertable_name = 'candle_1h' and chunk.hypertable_schema = current_schema()
    and chunk.range_end <= %(before)s and (not chunk.is_compressed or state.status & 8 <> 0)
order by chunk.range_start;
