package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/store"
)

// runExport writes the evidence of a period as a bundle that changeaudit
// verifies. It reads the database beside a running server.
func runExport(ctx context.Context, args []string, e env) int {
	fs := e.flags("export", "", "Writes the evidence of a period, from --from (inclusive) to --to (exclusive), as a\n"+
		"ZIP file that changeaudit verifies without this server.")
	data := fs.String("data", "./changegate-data", "`directory` of the database and keys")
	from := fs.String("from", "", "first `day` (2026-06-01) or instant of the period, UTC")
	to := fs.String("to", "", "`day` or instant at which the period ends, UTC")
	repo := fs.String("repo", "", "only this repository, as `owner/name` or number")
	org := fs.String("org", "", "`login` or number of the organisation, when the server has several")
	out := fs.String("out", "", "`file` to write")
	asJSON := fs.Bool("json", false, "print the summary as JSON")
	if _, code, done := e.parse(fs, args, 0); done {
		return code
	}
	if *out == "" {
		return e.fail("export", errors.New("--out is missing: the file to write"))
	}
	q := evidence.Query{Repo: *repo, Now: e.now, Generator: "changegate " + evidence.Engine(), Text: "changegate export " + strings.Join(args, " ")}
	var errs [2]error
	q.From, errs[0] = parseDay("from", *from)
	q.To, errs[1] = parseDay("to", *to)
	if err := errors.Join(errs[:]...); err != nil {
		return e.fail("export", err)
	}
	s, err := exportTo(ctx, *out, *data, *org, q)
	switch {
	case err != nil:
		return e.fail("export", err)
	case *asJSON:
		return e.printJSON(s, exitOK)
	}
	return e.print(fmt.Sprintf("%s: %d changes, %d exceptions, %d records of a log of %d\nsha256 %s\nVerify with: changeaudit verify %s\n",
		*out, s.Population, s.Exceptions, s.Records, s.LogSize, s.SHA256, *out), exitOK)
}

// parseDay reads a day as its first instant in UTC, or an instant.
func parseDay(flag, s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := parseTime(flag, s)
	if err == nil && t.IsZero() {
		err = fmt.Errorf("--%s is missing: a day such as 2026-06-01", flag)
	}
	return t, err
}

// exportTo writes the bundle beside its final name and renames it when it is
// whole: a file of that name is never half a bundle.
func exportTo(ctx context.Context, out, data, org string, q evidence.Query) (s evidence.Summary, err error) {
	st, err := store.OpenReader(ctx, data)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	name, err := origin(data, "")
	if err != nil {
		return s, err
	}
	keys, err := evidence.LoadKeys(filepath.Join(data, "keys"), name)
	if err != nil {
		return s, err
	}
	log, err := logName(ctx, st, org)
	if err != nil {
		return s, err
	}
	f, err := os.CreateTemp(filepath.Dir(out), ".changegate-export-")
	if err != nil {
		return s, err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	s, err = evidence.Export(ctx, f, st, evidence.NewLog(keys, log), q)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return s, err
	}
	return s, os.Rename(f.Name(), out)
}

// logName finds the log that is meant: the only one, or that of an organisation.
func logName(ctx context.Context, st *store.Store, org string) (name string, err error) {
	err = st.Read(ctx, func(tx *store.Tx) error {
		logs, err := tx.Logs(ctx)
		if err != nil {
			return err
		}
		if org == "" && len(logs) == 1 {
			name = logs[0]
			return nil
		}
		if org == "" {
			return fmt.Errorf("--org is missing: the server has %d logs", len(logs))
		}
		id, err := tx.OrgNamed(ctx, org)
		if name = org; id != 0 {
			name = strconv.FormatInt(id, 10)
		}
		if err == nil && !slices.Contains(logs, name) {
			err = fmt.Errorf("--org is %q, of which there is no log", org)
		}
		return err
	})
	return name, err
}
