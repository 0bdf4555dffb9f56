-- +goose Up

-- What the hub has stated in EPCIS of its own packages, units and excursions.
-- A statement that no longer follows from the facts is declared to be wrong;
-- its row stays.
CREATE TABLE sensing_statement (
    subject TEXT NOT NULL,               -- "package/ID", "unit/ID", "excursion/ID"
    topic TEXT NOT NULL,                 -- what of the subject it states
    n BIGINT NOT NULL,                   -- from 1, for each topic
    digest TEXT NOT NULL,                -- SHA-256 of what is stated, hex
    event TEXT NOT NULL UNIQUE,          -- id of the EPCIS event
    document TEXT NOT NULL,              -- the EPCIS event, JSON
    stated_ms BIGINT NOT NULL,           -- hub's clock
    declared_ms BIGINT NOT NULL,         -- when it was declared to be wrong, 0 while it holds
    PRIMARY KEY (subject, topic, n)
);

-- EPCIS events that are to be captured, in order. A row goes once its event is.
CREATE TABLE sensing_outbox (
    seq BIGINT PRIMARY KEY,
    document TEXT NOT NULL,
    problem TEXT NOT NULL                -- why it was not captured, '' for none
);

-- Subjects that are to be looked at.
CREATE TABLE sensing_due (
    subject TEXT PRIMARY KEY,
    due_ms BIGINT NOT NULL,              -- hub's clock
    mark BIGINT NOT NULL,                -- grows whenever something new is known of it
    failures BIGINT NOT NULL,            -- in a row
    error TEXT NOT NULL                  -- of the last, '' for none
);
CREATE INDEX sensing_due_time ON sensing_due (due_ms);
