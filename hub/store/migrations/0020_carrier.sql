-- +goose Up

-- What partner carriers have sent, as it came. A message can name a recipient:
-- its text is kept here alone, and removed some time after it was settled.
CREATE TABLE carrier_message (
    number BIGINT PRIMARY KEY,           -- rising
    carrier TEXT NOT NULL,
    digest TEXT NOT NULL,                -- SHA-256 of the text, hex
    received_ms BIGINT NOT NULL,
    body BLOB,                           -- NULL once it was removed
    state TEXT NOT NULL,                 -- due, done, aside or dropped
    problem TEXT NOT NULL,               -- why it is aside, '' for nothing
    settled_ms BIGINT NOT NULL,          -- when it was done or dropped; 0 before
    UNIQUE (carrier, digest)
);
CREATE INDEX carrier_message_state ON carrier_message (carrier, state, number);
CREATE INDEX carrier_message_settled ON carrier_message (state, settled_ms);

-- What partners are told: bookings, and what becomes of tasks, once each.
CREATE TABLE carrier_call (
    number BIGINT PRIMARY KEY,           -- rising
    id TEXT NOT NULL UNIQUE,             -- by which the partner can tell a repetition
    carrier TEXT NOT NULL,
    kind TEXT NOT NULL,                  -- book, cancel, or a trigger
    route TEXT NOT NULL,
    stop TEXT NOT NULL,
    job TEXT NOT NULL,
    shipment TEXT NOT NULL,
    at_ms BIGINT NOT NULL,               -- of what it tells
    booking TEXT NOT NULL,               -- id of the call that a cancel takes back, '' for none
    state TEXT NOT NULL,                 -- due, done, failed or withdrawn
    attempts BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,            -- when it was first tried, 0 before
    due_ms BIGINT NOT NULL,              -- when it is tried next
    reference TEXT NOT NULL,             -- what the partner calls a booking, '' before
    problem TEXT NOT NULL                -- of the last attempt
);
CREATE INDEX carrier_call_state ON carrier_call (carrier, state, number);
CREATE INDEX carrier_call_route ON carrier_call (route, kind);
CREATE INDEX carrier_call_reference ON carrier_call (carrier, reference);

-- How far the events have been followed.
CREATE TABLE carrier_cursor (
    name TEXT PRIMARY KEY,
    position BIGINT NOT NULL
);
