-- +goose Up

-- Documents are looked for by what is printed on a box, where no GTIN is known.
CREATE INDEX dscsa_item_serial ON dscsa_item (serial, gtin);
CREATE INDEX dscsa_item_batch ON dscsa_item (lot, gtin);
