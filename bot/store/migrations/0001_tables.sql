-- Types and statements both SQLite and PostgreSQL read: BIGINT instants are
-- Unix milliseconds (0 is none), BYTEA is bytes, TEXT keys are made by the program.

-- +goose Up

-- Deliveries already received: the unique id makes a redelivery harmless.
CREATE TABLE delivery (
    id          TEXT   NOT NULL PRIMARY KEY,
    event       TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    received_at BIGINT NOT NULL
);

-- The queue: one row per pull request or governed branch, kept when idle so that
-- its token only ever rises.
CREATE TABLE job (
    key          TEXT   NOT NULL PRIMARY KEY,
    installation BIGINT NOT NULL,
    org_id       BIGINT NOT NULL,
    org          TEXT   NOT NULL,
    repo_id      BIGINT NOT NULL,
    repo         TEXT   NOT NULL,
    number       BIGINT NOT NULL, -- 0 for a branch
    branch       TEXT   NOT NULL, -- empty for a pull request
    base         TEXT   NOT NULL,
    event        TEXT   NOT NULL,
    gen          BIGINT NOT NULL,
    due_at       BIGINT NOT NULL, -- the greatest BIGINT when idle
    lease_until  BIGINT NOT NULL, -- 0 when nobody holds it
    token        BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    first_failed BIGINT NOT NULL,
    last_error   TEXT   NOT NULL
);
CREATE INDEX job_due ON job (due_at);
CREATE INDEX job_held ON job (repo_id) WHERE lease_until > 0;

CREATE TABLE pull (
    repo_id        BIGINT NOT NULL,
    number         BIGINT NOT NULL,
    installation   BIGINT NOT NULL,
    org_id         BIGINT NOT NULL,
    org            TEXT   NOT NULL,
    repo           TEXT   NOT NULL,
    base           TEXT   NOT NULL,
    base_commit    TEXT   NOT NULL,
    head           TEXT   NOT NULL,
    state          TEXT   NOT NULL,
    title          TEXT   NOT NULL,
    url            TEXT   NOT NULL,
    verdict        BYTEA,
    verdict_state  TEXT   NOT NULL,
    digest         TEXT   NOT NULL,
    record         BIGINT NOT NULL, -- -1 when none
    record_at      BIGINT NOT NULL,
    merge_record   BIGINT NOT NULL, -- -1 when none
    run_id         BIGINT NOT NULL,
    run_name       TEXT   NOT NULL,
    run_head       TEXT   NOT NULL,
    run_status     TEXT   NOT NULL,
    run_conclusion TEXT   NOT NULL,
    run_at         BIGINT NOT NULL,
    run_hash       TEXT   NOT NULL,
    run_created    BIGINT NOT NULL,
    page           BYTEA,
    PRIMARY KEY (repo_id, number)
);
CREATE INDEX pull_head ON pull (repo_id, head) WHERE state = 'open';
CREATE INDEX pull_base ON pull (repo_id, base) WHERE state = 'open';
CREATE INDEX pull_org ON pull (org_id) WHERE state = 'open';

-- Change requests of a pull request in the order they came into force.
CREATE TABLE sighting (
    repo_id   BIGINT NOT NULL,
    number    BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    digest    TEXT   NOT NULL,
    since     BIGINT NOT NULL,
    edited_at BIGINT NOT NULL,
    PRIMARY KEY (repo_id, number, seq)
);

-- How far each governed branch has been walked.
CREATE TABLE tip (
    repo_id   BIGINT NOT NULL,
    branch    TEXT   NOT NULL,
    commit_id TEXT   NOT NULL,
    swept     BIGINT NOT NULL DEFAULT 0, -- 1 once a walk has ended here
    PRIMARY KEY (repo_id, branch)
);

-- Facts that never change, forgotten oldest first.
CREATE TABLE cache (
    key   TEXT   NOT NULL PRIMARY KEY,
    seq   BIGINT NOT NULL,
    value BYTEA  NOT NULL,
    size  BIGINT NOT NULL
);
CREATE UNIQUE INDEX cache_seq ON cache (seq);

-- The evidence logs: how many leaves each has, the leaves, and their tlog hashes.
CREATE TABLE head (
    log  TEXT   NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL
);
CREATE TABLE leaf (
    log  TEXT   NOT NULL,
    n    BIGINT NOT NULL,
    key  TEXT   NOT NULL,
    leaf BYTEA  NOT NULL,
    side BYTEA,
    salt BYTEA,
    PRIMARY KEY (log, n),
    UNIQUE (log, key)
);
CREATE TABLE hash (
    log  TEXT   NOT NULL,
    idx  BIGINT NOT NULL,
    hash BYTEA  NOT NULL,
    PRIMARY KEY (log, idx)
);
