-- +goose Up

-- Documents that people attach to excursions, by their hash. That one belongs to
-- a case is an event of it.
CREATE TABLE excursion_document (
    sha256 TEXT NOT NULL PRIMARY KEY,
    body BLOB NOT NULL
);
