-- +goose Up

-- Where deliveries go that go to no site. Rows are removed some time after the
-- last delivery: they tell where people live, and no event does.
CREATE TABLE dispatch_place (
    id TEXT PRIMARY KEY,                 -- token
    latitude BIGINT NOT NULL,            -- 1e-7 degrees
    longitude BIGINT NOT NULL,           -- 1e-7 degrees
    radius_m BIGINT NOT NULL,            -- of the fence around it
    used_ms BIGINT NOT NULL              -- when it was last needed
);
CREATE INDEX dispatch_place_used ON dispatch_place (used_ms);
