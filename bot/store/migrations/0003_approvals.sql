-- Types and statements both SQLite and PostgreSQL read, as in 0001.

-- +goose Up

-- What one reading of a pull request tells the next. The roles stand apart: an
-- event that changes a membership takes them away, whatever else is being written.
ALTER TABLE pull ADD COLUMN known BYTEA;
ALTER TABLE pull ADD COLUMN roles BYTEA;

-- Who pushed what, as GitHub authenticated it: no commit says so, and GitHub's own
-- list of activity is kept for a limited time. A push told twice is one row.
CREATE TABLE heard (
    repo_id   BIGINT NOT NULL,
    branch    TEXT   NOT NULL, -- empty for a push known by pull request
    number    BIGINT NOT NULL, -- 0 for a push to a branch of the repository
    before_id TEXT   NOT NULL,
    after_id  TEXT   NOT NULL,
    by_id     BIGINT NOT NULL,
    by_login  TEXT   NOT NULL,
    by_bot    BIGINT NOT NULL, -- 1 for a bot
    forced    BIGINT NOT NULL, -- 1 when history was or may have been rewritten
    at        BIGINT NOT NULL,
    PRIMARY KEY (repo_id, branch, number, before_id, after_id, by_id)
);
CREATE INDEX heard_at ON heard (at);
CREATE INDEX delivery_at ON delivery (received_at);

-- Whom each login of a version of a policy named when that version was first read.
CREATE TABLE account (
    repo_id BIGINT NOT NULL,
    blob    TEXT   NOT NULL,
    login   TEXT   NOT NULL,
    id      BIGINT NOT NULL,
    PRIMARY KEY (repo_id, blob, login)
);

-- The organisations' policies as they were read last.
CREATE TABLE floor (
    org_id    BIGINT NOT NULL PRIMARY KEY,
    state     BIGINT NOT NULL, -- checks.PolicyState
    commit_id TEXT   NOT NULL,
    path      TEXT   NOT NULL,
    blob      TEXT   NOT NULL,
    data      BYTEA,
    why       TEXT   NOT NULL
);
