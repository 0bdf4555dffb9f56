-- +goose Up

-- When events were recorded, for whoever looks for those of some days. Clocks
-- step back: positions alone do not say.
CREATE INDEX event_at ON event (at_ms, position);
