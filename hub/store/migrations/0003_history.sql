-- +goose Up

-- merged: all readings of parcels up to this id are in chunks.
-- repeated: readings that were there already when they were merged.
CREATE TABLE history_state (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO history_state (name, value) VALUES ('merged', 0);
INSERT INTO history_state (name, value) VALUES ('repeated', 0);

-- The readings of one series in one boot.
CREATE TABLE history_track (
    id BIGINT PRIMARY KEY,
    gateway TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    series BIGINT NOT NULL,
    boot BIGINT NOT NULL,
    UNIQUE (gateway, epoch, series, boot)
);

-- A track's readings of one window of device time. upto is the id of the last
-- parcel that was in the head when they were merged: replaying it adds nothing.
CREATE TABLE history_chunk (
    track BIGINT NOT NULL,
    win BIGINT NOT NULL,                 -- boottime / window length, rounded down
    upto BIGINT NOT NULL,
    readings BIGINT NOT NULL,
    usable BIGINT NOT NULL,              -- of quality OK; the next three are of these
    min_value BIGINT NOT NULL,
    max_value BIGINT NOT NULL,
    mean_value DOUBLE PRECISION NOT NULL,
    first_tick BIGINT NOT NULL,
    last_tick BIGINT NOT NULL,
    longest_step BIGINT NOT NULL,        -- between two readings, ms
    data BLOB NOT NULL,
    PRIMARY KEY (track, win)
);
CREATE INDEX history_chunk_upto ON history_chunk (upto);
