-- A source's key is one of 63 bits. A sequence loses a number to each transaction that names a source and comes to
-- nothing: 63 runs killed in that moment, and no new source had room. See sql/queries/name_source.sql.
alter table source alter column key drop identity, add check (key between 0 and 62);
