-- +goose Up

-- Releases of the gateway agent that were published here. Their programs are
-- files, named by what they are.
CREATE TABLE rollout_release (
    id TEXT PRIMARY KEY,                 -- of the manifest
    version TEXT NOT NULL,
    manifest BLOB NOT NULL,
    signature BLOB NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    published_ms BIGINT NOT NULL
);

CREATE TABLE rollout (
    id BIGINT PRIMARY KEY,
    release TEXT NOT NULL,
    state TEXT NOT NULL,                 -- running, paused, stopped, done, aborted
    waves TEXT NOT NULL,                 -- as they were given, a JSON list
    wave BIGINT NOT NULL,                -- that goes on, from 1
    failures BIGINT NOT NULL,            -- that stop it
    forgiven BIGINT NOT NULL,            -- failures before it was resumed
    quorum BIGINT NOT NULL,              -- percent of a wave that has to be confirmed
    soak_ms BIGINT NOT NULL,             -- between that and the next wave
    settled_ms BIGINT NOT NULL,          -- when the quorum of the wave was reached, 0 before
    actor TEXT NOT NULL,                 -- who started it
    reason TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    why TEXT NOT NULL                    -- it is in that state
);

CREATE TABLE rollout_gateway (
    rollout BIGINT NOT NULL,
    gateway TEXT NOT NULL,
    wave BIGINT NOT NULL,                -- from 1
    number BIGINT NOT NULL,              -- of the statement that asks for it, 0 before
    phase TEXT NOT NULL,                 -- waiting, asked, fetching, trial, confirmed, failed, gone
    reason TEXT NOT NULL,                -- of a failure, or what holds it up
    have BIGINT NOT NULL,                -- bytes that are fetched
    size BIGINT NOT NULL,                -- bytes to be fetched
    told_ms BIGINT NOT NULL,             -- 0: it has not said anything to it
    PRIMARY KEY (rollout, gateway)
);

-- What each gateway was told last.
CREATE TABLE rollout_choice (
    gateway TEXT PRIMARY KEY,
    number BIGINT NOT NULL,              -- rising
    release TEXT NOT NULL,               -- '' for none
    set_ms BIGINT NOT NULL
);
