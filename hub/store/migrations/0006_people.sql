-- +goose Up

-- Who works with the hub. Nobody is ever removed: what they signed names them.
CREATE TABLE people_person (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,                  -- as printed beside a signature
    roles TEXT NOT NULL,                 -- in order, with a space between
    password TEXT NOT NULL,              -- argon2id, PHC string
    created_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    disabled_ms BIGINT NOT NULL,         -- 0 while enabled
    version BIGINT NOT NULL              -- from 1, with each change
);

-- API tokens, without their secrets.
CREATE TABLE people_token (
    id TEXT PRIMARY KEY,                 -- part of the token that may be shown
    digest TEXT NOT NULL UNIQUE,         -- SHA-256 of the whole token, hex
    name TEXT NOT NULL,
    actor TEXT NOT NULL,                 -- person/ID or partner/ID
    scopes TEXT NOT NULL,                -- in order, with a space between
    created_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    revoked_ms BIGINT NOT NULL,          -- 0 while it is good
    used_ms BIGINT NOT NULL              -- last time, to the hour; 0 for never
);
CREATE INDEX people_token_actor ON people_token (actor, created_ms);

-- Who did what to people and tokens, and when. Only ever added to.
CREATE TABLE people_event (
    id BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,               -- person/ID or token/ID
    detail TEXT NOT NULL                 -- never a secret
);
CREATE INDEX people_event_subject ON people_event (subject, id);

-- Replies to requests that carried an idempotency key, for a day.
CREATE TABLE rest_reply (
    digest TEXT PRIMARY KEY,             -- SHA-256 over actor, operation and key, hex
    request TEXT NOT NULL,               -- SHA-256 over what the request said, hex
    at_ms BIGINT NOT NULL,
    status BIGINT NOT NULL,
    header TEXT NOT NULL,                -- JSON
    body BLOB NOT NULL
);
CREATE INDEX rest_reply_at ON rest_reply (at_ms);

-- Keys that the interface authenticates what it hands out with.
CREATE TABLE rest_key (
    name TEXT PRIMARY KEY,
    secret TEXT NOT NULL,                -- base64
    since_ms BIGINT NOT NULL
);
