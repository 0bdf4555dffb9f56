-- +goose Up

-- Who is signed in at the pages. A row goes when the session is ended.
CREATE TABLE people_session (
    digest TEXT PRIMARY KEY,             -- SHA-256 of the secret in the cookie, hex
    id TEXT NOT NULL UNIQUE,             -- may be shown
    person TEXT NOT NULL,
    method TEXT NOT NULL,                -- password, passkey, oidc or link
    about TEXT NOT NULL,                 -- browser and address, as it told them
    created_ms BIGINT NOT NULL,
    used_ms BIGINT NOT NULL,             -- to the minute
    ends_ms BIGINT NOT NULL              -- at the latest
);
CREATE INDEX people_session_person ON people_session (person, created_ms);

-- Links that are good once: they enter a person, or let one sign in.
CREATE TABLE people_link (
    digest TEXT PRIMARY KEY,             -- SHA-256 of the secret in the link, hex
    kind TEXT NOT NULL,                  -- first, invite or sign-in
    person TEXT NOT NULL,                -- whose it is; '' where they choose
    name TEXT NOT NULL,                  -- as printed; '' where they choose
    roles TEXT NOT NULL,                 -- in order, with a space between
    created_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_ms BIGINT NOT NULL
);

-- Public keys of passkeys (WebAuthn). A row goes when the passkey is removed.
CREATE TABLE people_passkey (
    id TEXT PRIMARY KEY,                 -- credential id, base64url
    person TEXT NOT NULL,
    name TEXT NOT NULL,                  -- as its owner calls it
    credential TEXT NOT NULL,            -- credential record, JSON
    created_ms BIGINT NOT NULL,
    used_ms BIGINT NOT NULL              -- 0 for never
);
CREATE INDEX people_passkey_person ON people_passkey (person, created_ms);

-- Secrets of one-time codes (RFC 6238), and the step of the last code taken.
CREATE TABLE people_totp (
    person TEXT PRIMARY KEY,
    secret TEXT NOT NULL,                -- base32
    since_ms BIGINT NOT NULL,
    step BIGINT NOT NULL                 -- codes of this and of earlier steps are spent
);

-- Who a person is at an OpenID provider.
CREATE TABLE people_identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    person TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

-- Keys that pages seal what they hand to browsers with.
CREATE TABLE people_key (
    name TEXT PRIMARY KEY,
    secret TEXT NOT NULL,                -- base64
    since_ms BIGINT NOT NULL
);
