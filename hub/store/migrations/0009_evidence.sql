-- +goose Up

-- Which entry of the evidence log holds what. The log's own files are the
-- truth: rows that a crash has kept from being written are made from them.
CREATE TABLE evidence_entry (
    idx BIGINT PRIMARY KEY,              -- place in the log, from 0
    kind TEXT NOT NULL,                  -- event, seal or key
    name TEXT NOT NULL,                  -- event id, GATEWAY/EPOCH/BLOCK, or key
    stream TEXT NOT NULL,                -- of an event, GATEWAY/EPOCH of a seal
    place BIGINT NOT NULL,               -- an event's position, a seal's block, 0
    leaf BLOB NOT NULL,                  -- RFC 6962 leaf hash, 32 bytes
    UNIQUE (kind, name)
);
CREATE INDEX evidence_entry_place ON evidence_entry (kind, stream, place);
CREATE INDEX evidence_entry_position ON evidence_entry (kind, place);

-- Every signed checkpoint that was published, with the cosignatures gathered.
CREATE TABLE evidence_checkpoint (
    size BIGINT PRIMARY KEY,
    root BLOB NOT NULL,
    at_ms BIGINT NOT NULL,
    cosigned BIGINT NOT NULL,            -- by how many witnesses
    quorum BIGINT NOT NULL,              -- 1: as many as were asked for then
    note TEXT NOT NULL
);
CREATE INDEX evidence_checkpoint_quorum ON evidence_checkpoint (quorum, size);
