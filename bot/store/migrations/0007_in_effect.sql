-- Types and statements both SQLite and PostgreSQL read, as in 0001.

-- +goose Up

-- More than one change may be in effect at a path: one that rolled another back, and
-- what that one had replaced.
DROP INDEX change_newest;
ALTER TABLE change_path RENAME COLUMN newest TO in_effect;
CREATE INDEX change_in_effect ON change_path (repo_id, branch, path) WHERE in_effect = 1;
