-- +goose Up

-- What was scanned at gateways, as their chains tell it, once each.
CREATE TABLE scan (
    gateway TEXT NOT NULL,
    id TEXT NOT NULL,                    -- the gateway's
    root TEXT NOT NULL,                  -- id of the scan that it corrects, or its own
    epoch BIGINT NOT NULL,               -- of the scan
    boot BIGINT NOT NULL,
    tick_ms BIGINT NOT NULL,             -- boottime
    since_epoch BIGINT NOT NULL,         -- from when on it is so
    since_boot BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,            -- boottime
    in_epoch BIGINT NOT NULL,            -- where the chain tells it
    block BIGINT NOT NULL,
    position BIGINT NOT NULL,            -- within the block
    received_ms BIGINT NOT NULL,
    disputed TEXT NOT NULL,              -- where another scan of that id is told, '' nowhere
    body BLOB NOT NULL,                  -- an encoded pb.Scan
    PRIMARY KEY (gateway, id)
);
CREATE INDEX scan_root ON scan (gateway, root);
CREATE INDEX scan_since ON scan (gateway, since_epoch, since_boot);
CREATE INDEX scan_boot ON scan (gateway, epoch, boot);
CREATE INDEX scan_received ON scan (received_ms, gateway, id);

-- A scan and its corrections come to one line of statements for custody.
CREATE TABLE scan_group (
    gateway TEXT NOT NULL,
    root TEXT NOT NULL,
    state TEXT NOT NULL,                 -- see package scan
    problem TEXT NOT NULL,               -- in words, '' for none
    look_ms BIGINT NOT NULL,             -- hub's clock, when to look again; 0 never
    PRIMARY KEY (gateway, root)
);
CREATE INDEX scan_group_look ON scan_group (look_ms);
CREATE INDEX scan_group_state ON scan_group (state);

-- The statements of a line, each correcting the one before.
CREATE TABLE scan_line (
    gateway TEXT NOT NULL,
    root TEXT NOT NULL,
    part TEXT NOT NULL,                  -- place or custody
    n BIGINT NOT NULL,                   -- from 0
    fact TEXT NOT NULL UNIQUE,           -- id of the statement
    body TEXT NOT NULL,                  -- JSON of the statement
    state TEXT NOT NULL,                 -- due, taken, set_aside, refused or dropped
    problem TEXT NOT NULL,
    PRIMARY KEY (gateway, root, part, n)
);
CREATE INDEX scan_line_state ON scan_line (state);

-- How far the committed parcels have been worked in.
CREATE TABLE scan_cursor (
    name TEXT PRIMARY KEY,
    parcel BIGINT NOT NULL
);
