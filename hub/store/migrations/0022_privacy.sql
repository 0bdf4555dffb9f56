-- +goose Up

-- Links by which patients follow a delivery, without their secrets. A row goes
-- some time after the link has ended.
CREATE TABLE privacy_link (
    digest TEXT PRIMARY KEY,             -- SHA-256 of the secret in the link, hex
    id TEXT NOT NULL UNIQUE,             -- may be shown
    shipment TEXT NOT NULL,
    factor TEXT NOT NULL,                -- what is asked for besides: zip or birth_year
    answer TEXT NOT NULL,                -- HMAC-SHA256 over digest, factor and answer, hex
    answer_key TEXT NOT NULL,            -- which key that was made with
    created_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    revoked_ms BIGINT NOT NULL,          -- 0 while it is good
    opened_ms BIGINT NOT NULL,           -- last time that the answer was right; 0 for never
    wrong BIGINT NOT NULL                -- answers that were not
);
CREATE INDEX privacy_link_shipment ON privacy_link (shipment, id);
CREATE INDEX privacy_link_expires ON privacy_link (expires_ms);

-- Who made and revoked links, and when. Only ever added to.
CREATE TABLE privacy_event (
    id BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,               -- link/ID
    detail TEXT NOT NULL                 -- never a secret
);
CREATE INDEX privacy_event_subject ON privacy_event (subject, id);
