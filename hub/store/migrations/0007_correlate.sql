-- +goose Up

-- How far correlate has come: batches and events up to these have been worked
-- into verdicts. At start it goes on from here.
CREATE TABLE correlate_state (
	name  TEXT PRIMARY KEY,
	value BIGINT NOT NULL
);
INSERT INTO correlate_state (name, value) VALUES ('batch', 0), ('position', 0);
