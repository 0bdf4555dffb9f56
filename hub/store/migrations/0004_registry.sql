-- +goose Up

-- What a gateway last told of itself. One that is enrolled and was never heard
-- of is not here.
CREATE TABLE registry_gateway (
    gateway TEXT NOT NULL PRIMARY KEY,
    first_ms BIGINT NOT NULL,            -- hub time when it was first heard of
    last_ms BIGINT NOT NULL,             -- and last
    online BIGINT NOT NULL,              -- by its birth and last will
    changed_ms BIGINT NOT NULL,          -- when online last changed
    state BLOB NOT NULL                  -- its last birth, an encoded pb.State; empty before it
);

-- The meaning of a series id within an epoch. One from the chain is for good.
CREATE TABLE registry_series (
    gateway TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    series BIGINT NOT NULL,
    sensor TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    model TEXT NOT NULL,
    address TEXT NOT NULL,
    interval_ms BIGINT NOT NULL,
    chained BIGINT NOT NULL,             -- 1: a committed event says so, 0: only a State
    PRIMARY KEY (gateway, epoch, series)
);

-- What people call things. sensor '' names the gateway itself.
CREATE TABLE registry_name (
    gateway TEXT NOT NULL,
    sensor TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (gateway, sensor)
);
