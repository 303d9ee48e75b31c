package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"changegate/rules"
)

// The exit codes of every command (CONTRACT §6).
const (
	exitOK      = 0
	exitBlocked = 1 // blocked, the author must act, or problems were found
	exitUsage   = 2 // usage, policy, repository or network error
	exitWaiting = 3 // only people or the clock are missing
)

// env is what a command sees of the process that runs it.
type env struct {
	stdout, stderr io.Writer // results; progress and diagnostics
	getenv         func(string) string
	now            time.Time // one for the whole command
	colour         bool
}

// A command is one verb. Its function returns the exit code.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, e env) int
}

// commands is the table of contents, in the order of the help text.
func commands() []command {
	return []command{
		{"check", "judge a change on a local clone, before pushing", runCheck},
		{"validate", "read a policy file and list every problem", runValidate},
		{"explain", "say what a finding code means", runExplain},
		{"backtest", "judge every past change of a branch as if it were a pull request", runBacktest},
		{"serve", "run the GitHub App's server", runServe},
		{"export", "write the evidence of a period for an auditor", runExport},
		{"rollback", "open the pull request that takes a change back", runRollback},
	}
}

func dispatch(ctx context.Context, args []string, e env) int {
	if len(args) == 0 {
		fmt.Fprint(e.stderr, help())
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return e.print(help(), exitOK)
	}
	var names []string
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], e)
		}
		names = append(names, c.name)
	}
	msg := fmt.Sprintf("changegate: %q is not a command", args[0])
	if near := rules.Nearest(args[0], names); near != "" {
		msg += "; did you mean " + near + "?"
	}
	fmt.Fprintln(e.stderr, msg)
	return exitUsage
}

func help() string {
	var b strings.Builder
	b.WriteString("changegate gates changes to AI-agent files.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  changegate %-9s %s\n", c.name, c.summary)
	}
	b.WriteString("\nchangegate COMMAND -h lists a command's flags.\n")
	return b.String()
}

// flags begins a command's flag set; operands is how the other arguments are shown.
func (e env) flags(name, operands, about string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usage: changegate %s\n\n%s\n\n", strings.TrimSpace(name+" [flags] "+operands), about)
		fs.PrintDefaults()
	}
	return fs
}

// parse reads flags and at most most operands, which may stand in any order. When
// done is set the command ends with code.
func (e env) parse(fs *flag.FlagSet, args []string, most int) (operands []string, code int, done bool) {
	for {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			var b strings.Builder
			fs.SetOutput(&b)
			fs.Usage()
			return nil, e.print(b.String(), exitOK), true
		}
		if err == nil && fs.NArg() == 0 {
			return operands, exitOK, false
		}
		if err == nil && len(operands) == most {
			err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
		}
		if err != nil {
			return nil, e.fail(fs.Name(), err), true
		}
		operands, args = append(operands, fs.Arg(0)), fs.Args()[1:]
	}
}

// fail says why a command could not do its work.
func (e env) fail(command string, err error) int {
	fmt.Fprintf(e.stderr, "changegate %s: %v\n", command, err)
	return exitUsage
}

// print writes a whole result at once. A result that did not arrive must not
// leave with a code that says it did.
func (e env) print(result string, code int) int {
	if _, err := io.WriteString(e.stdout, result); err != nil {
		return e.fail("output", err)
	}
	return code
}

func (e env) printJSON(v any, code int) int {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return e.fail("output", err)
	}
	return e.print(b.String(), code)
}

// parseTime reads a time given on the command line; empty is the zero time.
func parseTime(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, wrong, fix := rules.ParseTime(s, time.UTC)
	if wrong != "" {
		return t, fmt.Errorf("--%s: %s; write %s", flag, wrong, fix)
	}
	return t, nil
}
