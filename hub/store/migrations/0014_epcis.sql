-- +goose Up

-- Captured EPCIS events, in the order of commits. Rows are never changed or
-- removed: an error is declared by another event.
CREATE TABLE epcis_event (
    seq BIGINT PRIMARY KEY,              -- from 1 without holes
    id TEXT NOT NULL,                    -- given, or the event's CBV 2.0 hash
    id_key BIGINT NOT NULL,              -- first 8 bytes of the id's SHA-256
    hash TEXT NOT NULL,                  -- CBV 2.0 hash of the content, hex
    declares TEXT NOT NULL,              -- SHA-256 of its error declaration, hex; '' for none
    time_ms BIGINT NOT NULL,             -- event time
    recorded_ms BIGINT NOT NULL,         -- record time, never less than that of the row before
    capture TEXT NOT NULL,               -- id of the job
    document TEXT NOT NULL               -- JSON
);
CREATE INDEX epcis_event_id ON epcis_event (id_key);
CREATE INDEX epcis_event_time ON epcis_event (time_ms, seq);
CREATE INDEX epcis_event_recorded ON epcis_event (recorded_ms, seq);

-- Each text that can be asked for, once.
CREATE TABLE epcis_value (
    id BIGINT PRIMARY KEY,
    kind BIGINT NOT NULL,                -- of what field; see repository.Kind
    value TEXT NOT NULL
);
CREATE UNIQUE INDEX epcis_value_text ON epcis_value (kind, value);

-- Which events have a value, in the order of their times.
CREATE TABLE epcis_term (
    value BIGINT NOT NULL,               -- epcis_value.id
    time_ms BIGINT NOT NULL,             -- of the event
    seq BIGINT NOT NULL,
    role BIGINT NOT NULL,                -- as what it takes part; see repository.Role
    PRIMARY KEY (value, time_ms, seq, role)
) WITHOUT ROWID;

-- Numbers and times that can be compared.
CREATE TABLE epcis_number (
    field BIGINT NOT NULL,               -- epcis_value.id of the field, and of its unit
    seq BIGINT NOT NULL,
    number DOUBLE PRECISION NOT NULL,    -- in the SI unit; times in milliseconds
    PRIMARY KEY (field, seq, number)
) WITHOUT ROWID;
CREATE INDEX epcis_number_range ON epcis_number (field, number, seq);

-- Jobs of capture, also those that failed.
CREATE TABLE epcis_capture (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,       -- rising
    actor TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    finished_ms BIGINT NOT NULL,
    behaviour TEXT NOT NULL,             -- rollback or proceed
    success BIGINT NOT NULL,
    captured BIGINT NOT NULL,            -- events that were new
    known BIGINT NOT NULL,               -- events that had been captured before
    problems TEXT NOT NULL               -- JSON, those that are told
);

-- Master data: what is said of a thing, and what is part of what.
CREATE TABLE epcis_vocabulary (
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,              -- JSON, as last captured
    capture TEXT NOT NULL,
    PRIMARY KEY (type, id)
);
CREATE TABLE epcis_child (
    parent TEXT NOT NULL,
    child TEXT NOT NULL,
    PRIMARY KEY (parent, child)
) WITHOUT ROWID;

CREATE TABLE epcis_query (
    name TEXT PRIMARY KEY,
    actor TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    document TEXT NOT NULL               -- JSON, as it was given
);

-- Who is sent the events of a query. A row goes when its subscriber
-- unsubscribes.
CREATE TABLE epcis_subscription (
    id TEXT PRIMARY KEY,
    query TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    dest TEXT NOT NULL,
    secret TEXT NOT NULL,                -- that deliveries are signed with, '' for none
    document TEXT NOT NULL,              -- JSON: schedule, format and the rest
    cursor_seq BIGINT NOT NULL,          -- all events up to this one were delivered or do not match
    asked_ms BIGINT NOT NULL,            -- record time up to which the query was last run
    due_ms BIGINT NOT NULL,              -- of the next run or attempt
    failing_ms BIGINT NOT NULL,          -- since when its receiver fails, 0 while it does not
    attempts BIGINT NOT NULL,            -- since then
    error TEXT NOT NULL,
    told_ms BIGINT NOT NULL,             -- when a delivery was last accepted, 0 for never
    state TEXT NOT NULL                  -- active, or failed: given up
);
CREATE INDEX epcis_subscription_due ON epcis_subscription (state, due_ms);
CREATE INDEX epcis_subscription_query ON epcis_subscription (query, id);
