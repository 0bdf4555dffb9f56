-- +goose Up

-- What each gateway is to be, as it was last set.
CREATE TABLE desired_state (
    gateway TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    document TEXT NOT NULL,              -- YAML
    set_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL
);

-- What each gateway has last told of what it runs.
CREATE TABLE desired_report (
    gateway TEXT PRIMARY KEY,
    running BIGINT NOT NULL,             -- version, 0 for its own file alone
    trial BIGINT NOT NULL,               -- 1 while it has not proven itself
    refused BIGINT NOT NULL,             -- version, 0 for none since
    reason TEXT NOT NULL,                -- of the refusal
    digest TEXT NOT NULL,                -- of the whole configuration that runs
    key_id TEXT NOT NULL,                -- of the key that it trusts, hex, '' for none
    told_ms BIGINT NOT NULL
);

-- What gateways were asked to do. Rows are never removed.
CREATE TABLE desired_command (
    gateway TEXT NOT NULL,
    number BIGINT NOT NULL,              -- rising
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    argument TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    asked_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    answered_ms BIGINT NOT NULL,         -- 0 before
    done BIGINT NOT NULL,                -- 1 where it was
    detail TEXT NOT NULL,                -- what was done, or why not
    report TEXT NOT NULL,                -- of diagnostics
    PRIMARY KEY (gateway, number)
);
