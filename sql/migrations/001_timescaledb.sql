-- The Community edition; what lacks it was refused before this runs.
create extension if not exists timescaledb;
