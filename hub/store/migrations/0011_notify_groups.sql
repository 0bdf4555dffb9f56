-- +goose Up

-- Excursions of one cause: the same place, profile and kind, begun about the
-- same time. E-mail tells of them together.
CREATE TABLE notify_group (
    id TEXT PRIMARY KEY,                 -- digest of cause and first excursion
    cause TEXT NOT NULL,                 -- place, profile, kind and side of the limit, each quoted
    from_ms BIGINT NOT NULL,             -- when the first of its excursions began
    to_ms BIGINT NOT NULL                -- and the last
);
CREATE INDEX notify_group_cause ON notify_group (cause, to_ms);

-- What is to be told to somebody of a group, and by which delivery it was. Rows
-- are never removed.
CREATE TABLE notify_news (
    id TEXT PRIMARY KEY,                 -- digest of event, channel and recipient
    grp TEXT NOT NULL,
    about TEXT NOT NULL,                 -- id of the excursion
    event TEXT NOT NULL,
    type TEXT NOT NULL,
    position BIGINT NOT NULL,            -- of the event
    recipient TEXT NOT NULL,             -- name of the contact
    address TEXT NOT NULL,
    why TEXT NOT NULL,                   -- rule, level and schedule by which they are told
    class TEXT NOT NULL,                 -- what is news only once: happening, severity and level
    item TEXT NOT NULL,                  -- JSON of what is told
    due_ms BIGINT NOT NULL,              -- when it is told at the latest
    told_ms BIGINT NOT NULL,             -- when its delivery was made, 0 before
    delivery TEXT NOT NULL               -- id of that, '' before
);
CREATE INDEX notify_news_due ON notify_news (delivery, due_ms);
CREATE INDEX notify_news_group ON notify_news (grp, recipient, delivery, class);
CREATE INDEX notify_news_about ON notify_news (about);

-- What is told in order, one after the other: a group by e-mail, an excursion
-- to a webhook.
ALTER TABLE notify_delivery ADD COLUMN thread TEXT NOT NULL DEFAULT '';
ALTER TABLE notify_delivery ADD COLUMN reply_to TEXT NOT NULL DEFAULT ''; -- id of the first delivery of the thread to the same recipient
ALTER TABLE notify_delivery ADD COLUMN members BIGINT NOT NULL DEFAULT 1; -- excursions that it tells of
UPDATE notify_delivery SET thread = about;
CREATE INDEX notify_delivery_thread ON notify_delivery (channel, recipient, thread, position);
