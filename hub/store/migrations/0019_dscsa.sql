-- +goose Up

-- Documents of the duties under the DSCSA, as they came or went, and packages
-- that answered trace requests. Rows are never changed or removed: the law wants
-- them for six years, and the events that name them keep their SHA-256 for good.
CREATE TABLE dscsa_content (
    id TEXT PRIMARY KEY,                 -- of the document or trace request
    kind TEXT NOT NULL,                  -- received, sent, package
    media TEXT NOT NULL,                 -- media type
    sha256 TEXT NOT NULL,                -- of body, hex
    body BLOB NOT NULL,
    recorded_ms BIGINT NOT NULL
);

-- Units that a document is about, found in its body.
CREATE TABLE dscsa_item (
    gtin TEXT NOT NULL,                  -- 14 digits
    serial TEXT NOT NULL,
    document TEXT NOT NULL,              -- dscsa_content.id
    lot TEXT NOT NULL,                   -- '' where nothing said it
    expiry TEXT NOT NULL,                -- YYYY-MM-DD, or ''
    PRIMARY KEY (gtin, serial, document)
) WITHOUT ROWID;
CREATE INDEX dscsa_item_lot ON dscsa_item (gtin, lot);
CREATE INDEX dscsa_item_document ON dscsa_item (document);
