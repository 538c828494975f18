-- How old candles are packed, when `chandlery maintain` says so: a coin's hours lie together, in order, so that
-- one coin's history is read without another's. There is no policy: the embedded database has nobody to run it.
alter table candle_1h set (
    timescaledb.compress, timescaledb.compress_segmentby = 'coin', timescaledb.compress_orderby = 'open_time'
);
