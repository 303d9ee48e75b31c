-- Types and statements both SQLite and PostgreSQL read, as in 0001.

-- +goose Up

-- Pull requests that reached a governed branch and changed governed files there,
-- numbered by organisation without a gap.
CREATE TABLE change (
    org_id       BIGINT NOT NULL,
    n            BIGINT NOT NULL,
    repo_id      BIGINT NOT NULL,
    branch       TEXT   NOT NULL,
    number       BIGINT NOT NULL, -- of the pull request
    merge_commit TEXT   NOT NULL,
    merged_at    BIGINT NOT NULL,
    explained    BIGINT NOT NULL, -- 1 when it came through the gate
    form         TEXT   NOT NULL, -- of the plan, empty when there is none
    paths        TEXT   NOT NULL, -- digest of the plan's paths, empty when there is none
    plan_state   TEXT   NOT NULL, -- verified or broken, empty while that is not known
    plan_code    TEXT   NOT NULL,
    plan_says    TEXT   NOT NULL,
    plan_tip     TEXT   NOT NULL, -- of the branch, against which that was found
    stale        BIGINT NOT NULL, -- how often the plan was said to need another look since the last one
    forced       BIGINT NOT NULL, -- 1 when that was because the branch was rewritten
    undoes       BIGINT NOT NULL, -- the change that this one rolled back, 0 for none
    undone_by    BIGINT NOT NULL, -- the newest change that rolled this one back, 0 for none
    plan         BYTEA  NOT NULL, -- JSON, empty when none was verified
    PRIMARY KEY (org_id, n),
    UNIQUE (repo_id, number)
);
CREATE INDEX change_restores ON change (repo_id, branch, paths) WHERE form <> '';
CREATE INDEX change_form ON change (repo_id, branch, form) WHERE form <> '';
CREATE INDEX change_stale ON change (repo_id, branch) WHERE stale > 0;

-- The governed files of each change. newest marks the last change of a path: merges
-- are not recorded in the order in which they were made.
CREATE TABLE change_path (
    org_id    BIGINT NOT NULL,
    n         BIGINT NOT NULL,
    path      TEXT   NOT NULL,
    repo_id   BIGINT NOT NULL,
    branch    TEXT   NOT NULL,
    merged_at BIGINT NOT NULL,
    explained BIGINT NOT NULL,
    newest    BIGINT NOT NULL,
    PRIMARY KEY (org_id, n, path)
);
CREATE UNIQUE INDEX change_newest ON change_path (repo_id, branch, path) WHERE newest = 1;
CREATE INDEX change_at ON change_path (repo_id, branch, path, merged_at);
