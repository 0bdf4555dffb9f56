-- +goose Up

-- The certificate authority this store belongs to, by the SHA-256 of its
-- certificate, hex.
CREATE TABLE access_authority (
    fingerprint TEXT PRIMARY KEY,
    since_ms BIGINT NOT NULL
);

CREATE TABLE access_gateway (
    id TEXT PRIMARY KEY,
    enrolled_ms BIGINT NOT NULL,         -- for the first time
    revoked_ms BIGINT NOT NULL,          -- 0 while it is trusted
    revoked_for TEXT NOT NULL
);

-- Every certificate ever issued to a gateway.
CREATE TABLE access_certificate (
    serial TEXT PRIMARY KEY,             -- hex
    gateway TEXT NOT NULL,
    not_before_ms BIGINT NOT NULL,
    not_after_ms BIGINT NOT NULL,
    revoked_ms BIGINT NOT NULL,          -- 0 while it is good
    revoked_for TEXT NOT NULL,
    der TEXT NOT NULL                    -- base64
);
CREATE INDEX access_certificate_gateway ON access_certificate (gateway, revoked_ms);
CREATE INDEX access_certificate_expiry ON access_certificate (not_after_ms);

-- Every key by which seals of a gateway verify; none is ever removed.
CREATE TABLE access_seal_key (
    gateway TEXT NOT NULL,
    key_id TEXT NOT NULL,                -- first 8 bytes of its SHA-256, hex
    public_key TEXT NOT NULL UNIQUE,     -- Ed25519, base64
    from_ms BIGINT NOT NULL,
    PRIMARY KEY (gateway, key_id)
);

-- One-time codes, without their secrets.
CREATE TABLE access_code (
    digest TEXT PRIMARY KEY,             -- SHA-256 of the secret, hex
    gateway TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    void_ms BIGINT NOT NULL,             -- when it was withdrawn, 0 when not
    used_ms BIGINT NOT NULL,             -- 0 while unused
    used_keys TEXT NOT NULL,             -- SHA-256 over the keys it was used with, hex
    used_serial TEXT NOT NULL            -- certificate that came of it
);
CREATE INDEX access_code_gateway ON access_code (gateway, used_ms);

-- Who did what, and when. Only ever added to.
CREATE TABLE access_event (
    id BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    gateway TEXT NOT NULL,               -- '' where it is about none
    detail TEXT NOT NULL
);
CREATE INDEX access_event_gateway ON access_event (gateway, id);
