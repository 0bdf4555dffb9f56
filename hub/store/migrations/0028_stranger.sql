-- +goose Up

-- Passwords that were tried with ids that nobody signs in by, on each day (UTC).
-- Ids that were typed are not kept: they may be passwords.
CREATE TABLE people_stranger (
    day TEXT NOT NULL PRIMARY KEY, -- such as 2026-11-22
    refused BIGINT NOT NULL,
    last_ms BIGINT NOT NULL
);
