-- +goose Up

-- How far committed parcels have been put into the spool.
CREATE TABLE influx_cursor (
    target TEXT NOT NULL PRIMARY KEY,    -- server, organisation and bucket
    parcel BIGINT NOT NULL
);

-- What is to be written, byte for byte: sent again after any failure, it has
-- no second effect.
CREATE TABLE influx_spool (
    id BIGINT PRIMARY KEY,
    target TEXT NOT NULL,
    points BIGINT NOT NULL,
    lines BLOB NOT NULL                  -- line protocol, zstd
);
CREATE INDEX influx_spool_target ON influx_spool (target, id);

-- Parcels with readings of a boot that nobody could date when it was its turn.
CREATE TABLE influx_waiting (
    target TEXT NOT NULL,
    gateway TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    boot BIGINT NOT NULL,
    parcel BIGINT NOT NULL,
    PRIMARY KEY (target, gateway, epoch, boot, parcel)
);

-- Points that the server refuses for what they are, with its words.
CREATE TABLE influx_refused (
    target TEXT NOT NULL,
    line TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (target, line)
);
