-- Types and statements both SQLite and PostgreSQL read, as in 0001.

-- +goose Up

-- Exceptions of an organisation, numbered without a gap. What each says is JSON, as
-- the rules read it.
CREATE TABLE exception (
    org_id  BIGINT NOT NULL,
    n       BIGINT NOT NULL,
    repo_id BIGINT NOT NULL,
    number  BIGINT NOT NULL,
    comment BIGINT NOT NULL, -- that opened it
    line    BIGINT NOT NULL, -- of the comment
    due_at  BIGINT NOT NULL,
    closed  BIGINT NOT NULL, -- 1 once it was reviewed
    told    BIGINT NOT NULL, -- how many reminders were given; the last one says that it is overdue
    data    BYTEA  NOT NULL,
    PRIMARY KEY (org_id, n),
    UNIQUE (repo_id, number, comment, line)
);
CREATE INDEX exception_pull ON exception (repo_id, number);

-- What has still to be said on a pull request: written with what it answers, sent
-- after, deleted when sent.
CREATE TABLE saying (
    repo_id BIGINT NOT NULL,
    number  BIGINT NOT NULL,
    mark    TEXT   NOT NULL, -- unique; stands hidden in a comment, so that it is never sent twice
    seq     BIGINT NOT NULL, -- order in which they are sent
    kind    TEXT   NOT NULL, -- comment or a reaction's name
    comment BIGINT NOT NULL, -- reacted to; 0 for a comment
    body    TEXT   NOT NULL,
    since   BIGINT NOT NULL,
    PRIMARY KEY (repo_id, number, mark)
);

-- Buttons pressed and not yet acted upon.
CREATE TABLE press (
    repo_id  BIGINT NOT NULL,
    number   BIGINT NOT NULL,
    button   TEXT   NOT NULL,
    by_id    BIGINT NOT NULL,
    by_login TEXT   NOT NULL,
    by_bot   BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (repo_id, number, button)
);

-- The sticky comment: its id (0 for none), a digest of what it says, when it was last written.
ALTER TABLE pull ADD COLUMN sticky_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE pull ADD COLUMN sticky_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE pull ADD COLUMN sticky_at BIGINT NOT NULL DEFAULT 0;

-- Governed files of pull requests that wait for an effective date: two that change one
-- file are told of each other. Of those that were closed since, rows may be left.
CREATE TABLE ahead (
    repo_id BIGINT NOT NULL,
    number  BIGINT NOT NULL,
    path    TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (repo_id, number, path)
);
CREATE INDEX ahead_path ON ahead (repo_id, path);

-- Merge groups that GitHub asked about, kept a while after they are no more.
CREATE TABLE merge_group (
    repo_id BIGINT NOT NULL,
    branch  TEXT   NOT NULL, -- GitHub made for it
    base    TEXT   NOT NULL, -- it goes into
    head    TEXT   NOT NULL,
    since   BIGINT NOT NULL, -- when it was asked about
    gone    TEXT   NOT NULL, -- why it is no more, empty while it waits
    data    BYTEA  NOT NULL,
    PRIMARY KEY (repo_id, branch)
);

-- The generation of the job that was last judged to its end.
ALTER TABLE pull ADD COLUMN judged_gen BIGINT NOT NULL DEFAULT 0;

-- With the base branch, so that SQLite does not take pull_base for those of one head.
DROP INDEX pull_head;
CREATE INDEX pull_head ON pull (repo_id, head, base) WHERE state = 'open';
