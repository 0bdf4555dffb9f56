-- +goose Up

-- One row for each event, channel and recipient: what somebody is told, or is
-- yet to be told. Rows are never removed; they say who was told what and when.
CREATE TABLE notify_delivery (
    id TEXT PRIMARY KEY,                 -- digest of event, channel and recipient
    position BIGINT NOT NULL,            -- of the event, and
    event TEXT NOT NULL,                 -- its id
    type TEXT NOT NULL,
    about TEXT NOT NULL,                 -- id of the excursion
    channel TEXT NOT NULL,               -- email, webhook
    recipient TEXT NOT NULL,             -- name of the contact or webhook
    address TEXT NOT NULL,               -- of the e-mail; '' for a webhook
    why TEXT NOT NULL,                   -- rule, level and schedule by which they are told
    subject TEXT NOT NULL,
    body TEXT NOT NULL,                  -- as it is sent, each time
    state TEXT NOT NULL,                 -- pending, sent, failed
    attempts BIGINT NOT NULL,            -- since it was created or last retried by a person
    since_ms BIGINT NOT NULL,            -- when that was
    due_ms BIGINT NOT NULL,              -- of the next attempt, while pending
    created_ms BIGINT NOT NULL,
    done_ms BIGINT NOT NULL,             -- when it was sent or given up, 0 before
    error TEXT NOT NULL                  -- of the last attempt, '' for none
);
CREATE INDEX notify_delivery_due ON notify_delivery (state, due_ms);
CREATE INDEX notify_delivery_receiver ON notify_delivery (state, channel, recipient, due_ms);
CREATE INDEX notify_delivery_about ON notify_delivery (about, position);
