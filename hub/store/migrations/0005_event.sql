-- +goose Up

-- Every domain event, in the order of commits. Only ever added to.
CREATE TABLE event (
    position BIGINT PRIMARY KEY,         -- from 1 without holes
    id TEXT NOT NULL UNIQUE,
    stream TEXT NOT NULL,
    version BIGINT NOT NULL,             -- within the stream, from 1 without holes
    type TEXT NOT NULL,
    schema BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    data TEXT NOT NULL,                  -- canonical JSON (RFC 8785)
    UNIQUE (stream, version)
);

-- Events that are still to be published. Written only while a relay is
-- configured; a relay that is configured later begins at its cursor.
CREATE TABLE event_outbox (
    position BIGINT PRIMARY KEY
);

-- How far each consumer has come.
CREATE TABLE event_cursor (
    consumer TEXT PRIMARY KEY,
    position BIGINT NOT NULL,            -- of the last event it is done with
    saved_ms BIGINT NOT NULL
);

-- Events that a consumer could not handle, and has gone past.
CREATE TABLE event_parked (
    consumer TEXT NOT NULL,
    position BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    reason TEXT NOT NULL,
    parked_ms BIGINT NOT NULL,
    again BIGINT NOT NULL,               -- 1 when it is to be tried again
    PRIMARY KEY (consumer, position)
);

-- Read models, as they were built. The live one of a name answers; others are
-- being built or removed.
CREATE TABLE event_model (
    generation BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,             -- of its fold
    live BIGINT NOT NULL,                -- 1 or 0
    built_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX event_model_live ON event_model (name) WHERE live = 1;

CREATE TABLE event_document (
    model BIGINT NOT NULL,               -- generation
    id TEXT NOT NULL,
    position BIGINT NOT NULL,            -- of the last event folded into it
    body TEXT NOT NULL,                  -- JSON
    PRIMARY KEY (model, id)
);

-- Documents by what they say.
CREATE TABLE event_key (
    model BIGINT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (model, name, value, id)
) WITHOUT ROWID;
