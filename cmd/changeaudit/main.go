// Changeaudit checks an evidence bundle on the auditor's own machine: no network,
// no server, no key but the one the auditor brings. It believes nothing in the
// bundle that it did not check, and decides every recorded decision again.
//
//	changeaudit verify BUNDLE.zip [--key VKEY] [--since OLD.zip] [--json]
//
// It exits with 0 when the bundle is verified, 1 when it is not, naming the first
// bad item, and 2 when it was not asked properly or a file cannot be read.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"changegate/bot/evidence"
	"changegate/rules"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const usage = `usage: changeaudit verify BUNDLE.zip [--key VKEY] [--since OLD.zip] [--json]

  --key VKEY       the log's verifier key, from the operator or from an earlier
                   audit; not from the bundle
  --since OLD.zip  an earlier bundle of the same log: finds records that were
                   removed or changed after it
  --json           write the report as JSON
`

// The exit statuses.
const (
	exitVerified    = 0
	exitNotVerified = 1
	exitUsage       = 2
)

type request struct {
	bundle, key, since string
	json               bool
}

func run(args []string, stdout, stderr io.Writer) int {
	q, err := parse(args)
	if err == flag.ErrHelp {
		fmt.Fprint(stdout, usage)
		return exitVerified
	}
	if err != nil {
		fmt.Fprintf(stderr, "changeaudit: %v\n%s", err, usage)
		return exitUsage
	}
	rep, err := verify(q)
	if err != nil {
		fmt.Fprintf(stderr, "changeaudit: %v\n", err)
		return exitUsage
	}
	if err := write(stdout, rep, q.json); err != nil {
		fmt.Fprintf(stderr, "changeaudit: write report: %v\n", err)
		return exitUsage
	}
	if !rep.Verified {
		return exitNotVerified
	}
	return exitVerified
}

// parse reads the command line. Flags may stand before and after the bundle.
func parse(args []string) (request, error) {
	var q request
	f := flag.NewFlagSet("verify", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&q.key, "key", "", "")
	f.StringVar(&q.since, "since", "", "")
	f.BoolVar(&q.json, "json", false, "")
	var words []string
	for {
		if err := f.Parse(args); err != nil {
			return q, err
		}
		if f.NArg() == 0 {
			break
		}
		words, args = append(words, f.Arg(0)), f.Args()[1:]
	}
	if len(words) > 0 && words[0] == "help" {
		return q, flag.ErrHelp
	}
	if len(words) != 2 || words[0] != "verify" {
		return q, fmt.Errorf("want the word verify and one bundle, got %q", words)
	}
	q.bundle = words[1]
	return q, empty(f)
}

// empty refuses a flag without a value: a script whose variable is not set would
// otherwise check against nothing and be told that all is verified.
func empty(f *flag.FlagSet) (err error) {
	f.Visit(func(g *flag.Flag) {
		if g.Value.String() == "" {
			err = fmt.Errorf("--%s is empty: leave it out, or give its value", g.Name)
		}
	})
	return err
}

func verify(q request) (evidence.Report, error) {
	bundle, size, err := openFile(q.bundle)
	if err != nil {
		return evidence.Report{}, err
	}
	defer bundle.Close()
	o := evidence.VerifyOptions{Key: q.key, Judge: rules.Evaluate, Engine: evidence.Engine()}
	if q.since != "" {
		old, size, err := openFile(q.since)
		if err != nil {
			return evidence.Report{}, err
		}
		defer old.Close()
		o.Since, o.SinceSize = old, size
	}
	return evidence.Verify(bundle, size, o), nil
}

func openFile(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", path)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func write(w io.Writer, rep evidence.Report, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(rep)
	}
	_, err := w.Write(page(rep))
	return err
}
