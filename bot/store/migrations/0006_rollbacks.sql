-- Types and statements both SQLite and PostgreSQL read, as in 0001.

-- +goose Up

-- When the rollback of a change was asked for by a command: where the time to
-- restoration begins.
CREATE TABLE rollback_asked (
    org_id  BIGINT NOT NULL,
    n       BIGINT NOT NULL, -- of the change
    comment BIGINT NOT NULL, -- that asked for it
    at      BIGINT NOT NULL,
    PRIMARY KEY (org_id, n, comment)
);
