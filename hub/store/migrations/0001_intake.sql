-- +goose Up

-- What is committed of each gateway's epoch. version is compared and set by
-- each transaction that changes the chain's ranges.
CREATE TABLE intake_chain (
    gateway TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    version BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,            -- hub time when the epoch was first heard of
    committed_ms BIGINT NOT NULL,        -- and of the last commit, 0 before it
    readings BIGINT NOT NULL,            -- in committed blocks, counted one by one
    restart_reason TEXT NOT NULL,        -- why the epoch cannot go on; '' while it can
    sealed_number BIGINT NOT NULL,       -- highest block number signed for, and
    sealed_readings BIGINT NOT NULL,     -- the readings in the epoch up to it
    stated_ms BIGINT NOT NULL,           -- when the gateway last told of its journal, 0 never
    stated_last BIGINT NOT NULL,
    stated_readings BIGINT NOT NULL,
    stated_pending_blocks BIGINT NOT NULL,
    stated_pending_readings BIGINT NOT NULL,
    PRIMARY KEY (gateway, epoch)
);

-- Committed ranges of blocks: disjoint, and none adjoins another.
CREATE TABLE intake_range (
    gateway TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    count_before BIGINT NOT NULL,        -- readings in the epoch before block first
    count_after BIGINT NOT NULL,         -- and up to and with block last
    head_before BLOB NOT NULL,
    head_after BLOB NOT NULL,
    PRIMARY KEY (gateway, epoch, first)
);

-- The evidence: blocks as they were received, whole parcels where all of a
-- parcel was new. Also the durable batches of history, in commit order.
CREATE TABLE intake_parcel (
    id BIGINT PRIMARY KEY,
    gateway TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    readings BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    payload BLOB NOT NULL,               -- an encoded pb.Parcel
    UNIQUE (gateway, epoch, first)
);

CREATE TABLE intake_event (
    gateway TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    block BIGINT NOT NULL,
    position BIGINT NOT NULL,            -- within the block, from 0
    boot BIGINT NOT NULL,                -- of the block
    at_ms BIGINT NOT NULL,               -- boottime
    kind TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    body BLOB NOT NULL,                  -- an encoded pb.Event
    PRIMARY KEY (gateway, epoch, block, position)
);
CREATE INDEX intake_event_kind ON intake_event (kind, gateway, epoch, block);

-- Signed statements of gateways about their chains; one for each block signed
-- for. One that contradicts another or the chain is in quarantine.
CREATE TABLE intake_seal (
    gateway TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    number BIGINT NOT NULL,
    readings BIGINT NOT NULL,
    head BLOB NOT NULL,
    verified BIGINT NOT NULL,            -- 0 while its block is not committed
    received_ms BIGINT NOT NULL,
    body BLOB NOT NULL,                  -- an encoded pb.Seal
    PRIMARY KEY (gateway, epoch, number)
);
CREATE INDEX intake_seal_verified ON intake_seal (verified, gateway, epoch);

-- What could not be accepted, with its reason. Bounded for each gateway: the
-- oldest go first, and are counted.
CREATE TABLE intake_quarantine (
    id BIGINT PRIMARY KEY,
    gateway TEXT NOT NULL,
    lane TEXT NOT NULL,
    epoch BIGINT NOT NULL,               -- 0 where it could not be read
    first BIGINT NOT NULL,               -- blocks refused; 0 where none can be named
    last BIGINT NOT NULL,
    reason TEXT NOT NULL,
    times BIGINT NOT NULL,               -- that the same payload came
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    digest TEXT NOT NULL,                -- SHA-256 of the payload, hex
    payload BLOB NOT NULL,
    UNIQUE (gateway, lane, digest)
);
