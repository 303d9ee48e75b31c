package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"changegate/bot"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// rollbackFlags are the settings of a rollback. Those of the App are as for serve.
type rollbackFlags struct {
	data, org            string
	by, reason, incident string
	githubURL, keyFile   string
	appID                int64
	dryRun, asJSON       bool
	change               int
	getenv               func(string) string
	log                  *slog.Logger
	recorded             bool // GitHub is not asked
}

const rollbackAbout = "Opens the pull request that takes a change back: exactly what its rollback plan\n" +
	"says, on its branch as it is now. It is judged like every pull request. Where the\n" +
	"App was not granted contents: write, the git commands are printed instead.\n" +
	"Reads the database beside a running server."

// runRollback takes a numbered change back, or shows what that would do.
func runRollback(ctx context.Context, args []string, e env) int {
	f := &rollbackFlags{getenv: e.getenv, log: slog.New(slog.NewTextHandler(e.stderr, nil))}
	fs := e.flags("rollback", "CHG-n", rollbackAbout)
	fs.StringVar(&f.data, "data", "./changegate-data", "`directory` of the database and keys")
	fs.StringVar(&f.org, "org", "", "`login` or number of the organisation, when the server has several")
	fs.BoolVar(&f.dryRun, "dry-run", false, "show what would be restored, and the git commands; change nothing")
	fs.StringVar(&f.by, "requested-by", "", "`login` of whoever answers for the rollback; their approval does not count")
	fs.StringVar(&f.reason, "reason", "", "`text`: what happened")
	fs.StringVar(&f.incident, "incident", "", "`number` of the incident")
	fs.StringVar(&f.githubURL, "github-url", "https://github.com", "`URL` of GitHub")
	fs.Int64Var(&f.appID, "app-id", 0, "the App's `id`; without it a dry run shows what was verified last")
	fs.StringVar(&f.keyFile, "private-key-file", "", "`file` of the App's private key (PEM)")
	fs.BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	if err := environment(fs, e.getenv); err != nil {
		return e.fail("rollback", err)
	}
	operands, code, done := e.parse(fs, args, 1)
	if done {
		return code
	}
	if err := f.check(operands); err != nil {
		return e.fail("rollback", err)
	}
	out, err := f.run(ctx)
	switch {
	case err != nil:
		return e.fail("rollback", err)
	case f.asJSON:
		return e.printJSON(out, out.code())
	}
	return e.print(out.text(), out.code())
}

var changeNumber = regexp.MustCompile(`^(?i:CHG-)?([1-9][0-9]{0,8})$`)

// check reads which change is meant, and whether enough is said about it.
func (f *rollbackFlags) check(operands []string) (err error) {
	if len(operands) == 0 {
		return errors.New("the number of the change is missing, such as CHG-12")
	}
	m := changeNumber.FindStringSubmatch(operands[0])
	if m == nil {
		return fmt.Errorf("%q is not the number of a change, such as CHG-12", operands[0])
	}
	if f.change, err = strconv.Atoi(m[1]); err != nil {
		return err
	}
	f.recorded = f.appID == 0
	switch {
	case f.dryRun && f.recorded:
		return nil
	case f.recorded:
		return errors.New("--app-id is missing: the number on the App's settings page; or ask for --dry-run")
	case f.keyFile == "" && f.getenv("CHANGEGATE_PRIVATE_KEY") == "":
		return errors.New("--private-key-file is missing: the PEM file from the App's settings page")
	case f.by == "" && !f.dryRun:
		return errors.New("--requested-by is missing: the login of whoever answers for the rollback")
	}
	return f.checkWords()
}

// checkWords reads back what the change request of the rollback would say.
func (f *rollbackFlags) checkWords() error {
	const someCommit = "0000000"
	u := rules.Undoing{Change: f.change, Before: someCommit, By: f.by, Reason: f.reason, Incident: f.incident}
	if f.by == "" {
		u.By = "somebody"
	}
	if _, problems := rules.ReadRequest(rules.RequestsIn(u.Block()), time.UTC); len(problems) > 0 {
		return fmt.Errorf("--requested-by: %s; write %s", problems[0].Says, problems[0].Fix)
	}
	return nil
}

// run works out the rollback, and opens it unless it is only to be shown.
func (f *rollbackFlags) run(ctx context.Context) (out *rollbackResult, err error) {
	st, err := store.OpenReader(ctx, f.data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	c, p, err := f.find(ctx, st)
	if err != nil {
		return nil, err
	}
	out = &rollbackResult{Change: c.ID(), Repo: p.Repo, Branch: c.Branch, Pull: c.Pull, Title: p.Title, State: "dry-run", change: c, recorded: f.recorded}
	if wrong, fix := rules.Undoable(c.Number, c.Plan, c.UndoneBy); wrong != "" {
		out.State, out.Says = "refused", wrong+"; "+fix
		return out, nil
	}
	r := checks.Rollback{
		Undoing: rules.Undoing{Change: c.Number, Title: p.Title, By: f.by, Reason: f.reason, Incident: f.incident},
		Plan:    *c.Plan, Branch: c.Branch, Number: c.Pull,
	}
	if f.recorded {
		tip := c.Tip
		if tip == "" {
			tip = c.Merge
		}
		return out, f.work(ctx, st, out, checks.Recorded(r, tip), nil)
	}
	return out, f.ask(ctx, st, out, p.Place, r)
}

// ask works it out on the branch as it is now.
func (f *rollbackFlags) ask(ctx context.Context, st *store.Store, out *rollbackResult, p checks.Place, r checks.Rollback) error {
	gh, err := f.client()
	if err != nil {
		return err
	}
	if err := f.answers(ctx, gh, p); err != nil {
		return err
	}
	x, err := gh.Restore(ctx, p, r)
	if err != nil {
		return err
	}
	open := func() (int, string, error) { return gh.OpenRollback(ctx, p, x) }
	if f.dryRun {
		open = nil
	}
	return f.work(ctx, st, out, x, open)
}

// answers asks GitHub whether there is somebody to answer for the rollback.
func (f *rollbackFlags) answers(ctx context.Context, gh *checks.Client, p checks.Place) error {
	if f.by == "" {
		return nil
	}
	who, err := gh.Person(ctx, p, f.by)
	if err == nil && who.ID == 0 {
		err = fmt.Errorf("--requested-by: nobody on GitHub is called %q", f.by)
	}
	return err
}

// work fills in the result; open, if there is one, opens the pull request.
func (f *rollbackFlags) work(ctx context.Context, st *store.Store, out *rollbackResult, x *checks.Restoring, open func() (int, string, error)) (err error) {
	if err := st.Read(ctx, func(tx *store.Tx) error { return bot.Besides(ctx, tx, x, out.change) }); err != nil {
		return err
	}
	out.show(x)
	switch {
	case x.Broken() != "":
		out.State = "stuck"
	case len(x.Differing()) == 0:
		out.State, out.Commands = "nothing", nil
	case open != nil:
		out.Number, out.URL, err = open()
		switch out.State = "opened"; {
		case errors.Is(err, checks.ErrNotGranted):
			out.State, out.Says, err = "by-hand", "the App was not granted contents: write", nil
		case errors.Is(err, checks.ErrInTheWay):
			out.State, out.Says, err = "by-hand", x.InTheWay(), nil
		}
	}
	return err
}

// find reads the change by its number, and where it is.
func (f *rollbackFlags) find(ctx context.Context, st *store.Store) (c *store.Change, p *store.Pull, err error) {
	name, err := logName(ctx, st, f.org)
	if err != nil {
		return nil, nil, err
	}
	org, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return nil, nil, fmt.Errorf("--org is %q, which is no organisation", name)
	}
	err = st.Read(ctx, func(tx *store.Tx) (err error) {
		if c, err = tx.Change(ctx, org, f.change); err != nil {
			return err
		}
		if c == nil {
			return fmt.Errorf("there is no %s", rules.ChangeID(f.change))
		}
		if p, err = tx.Pull(ctx, c.RepoID, c.Pull); err == nil && p == nil {
			err = fmt.Errorf("pull request %d of %s is not known here any more", c.Pull, c.ID())
		}
		return err
	})
	return c, p, err
}

// client speaks to GitHub as the App.
func (f *rollbackFlags) client() (*checks.Client, error) {
	key, err := secret("--private-key-file", f.keyFile, "CHANGEGATE_PRIVATE_KEY", f.getenv)
	if err != nil {
		return nil, err
	}
	gh, err := checks.New(checks.Config{
		URL: f.githubURL, AppID: f.appID, Key: key, Transport: http.DefaultTransport, Cache: once{}, Now: time.Now, Log: f.log,
	})
	if err != nil {
		return nil, fmt.Errorf("--private-key-file: %w", err)
	}
	return gh, nil
}

// once is a cache that keeps nothing: the command reads everything one time.
type once struct{}

func (once) Get(context.Context, string) ([]byte, bool) { return nil, false }
func (once) Put(context.Context, string, []byte)        {}

// plain shows the code spans of a sentence of the rules as a terminal can.
var plain = strings.NewReplacer("`", `"`)
