-- +goose Up

-- What legs and hand-overs really took, the newest of each class.
CREATE TABLE progress_took (
    id TEXT PRIMARY KEY,                 -- of the leg or hand-over
    what TEXT NOT NULL,                  -- see package learn
    hour BIGINT NOT NULL,                -- of the day, -1 where that is all one
    permille BIGINT NOT NULL,            -- thousandths of the estimate, or ms
    at_ms BIGINT NOT NULL                -- when it was over
);
CREATE INDEX progress_took_class ON progress_took (what, hour, at_ms);

-- When routes were under way, so that positions which come late find theirs.
CREATE TABLE progress_route (
    id TEXT PRIMARY KEY,
    courier TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);
CREATE INDEX progress_route_courier ON progress_route (courier, until_ms);
CREATE INDEX progress_route_until ON progress_route (until_ms);

-- How far the events have been followed.
CREATE TABLE progress_cursor (
    name TEXT PRIMARY KEY,
    position BIGINT NOT NULL
);
