-- The evidence log refuses every change but one: forgetting what lies beside a
-- leaf. This guards against our own mistakes; somebody who can write the file is
-- caught by the checkpoints, not here. Triggers are SQLite's own dialect.

-- +goose Up

-- +goose StatementBegin
CREATE TRIGGER leaf_update BEFORE UPDATE ON leaf
WHEN NOT (NEW.log IS OLD.log AND NEW.n IS OLD.n AND NEW.key IS OLD.key AND NEW.leaf IS OLD.leaf
    AND (NEW.side IS NULL OR NEW.side IS OLD.side)
    AND (NEW.salt IS NULL OR NEW.salt IS OLD.salt))
BEGIN
    SELECT RAISE(ABORT, 'the evidence log is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER leaf_delete BEFORE DELETE ON leaf
BEGIN
    SELECT RAISE(ABORT, 'the evidence log is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER hash_update BEFORE UPDATE ON hash
BEGIN
    SELECT RAISE(ABORT, 'the evidence log is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER hash_delete BEFORE DELETE ON hash
BEGIN
    SELECT RAISE(ABORT, 'the evidence log is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER head_update BEFORE UPDATE ON head
WHEN NOT (NEW.log IS OLD.log AND NEW.size IS OLD.size + 1)
BEGIN
    SELECT RAISE(ABORT, 'the evidence log is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER head_delete BEFORE DELETE ON head
BEGIN
    SELECT RAISE(ABORT, 'the evidence log is append-only');
END;
-- +goose StatementEnd
