// Command changegate gates changes to AI-agent files: as a GitHub App's server
// (serve), and on a clone for engineers and admins (check, validate, explain,
// backtest). It holds what has no place in a library: flags, secrets, wiring,
// the layout of a terminal, and the exit code.
//
// Everything on a clone calls the same parser and the same decision as the
// server, so the two cannot disagree about the same facts.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := dispatch(ctx, os.Args[1:], env{
		stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: time.Now(),
		colour: terminal(os.Stdout) && os.Getenv("NO_COLOR") == "",
	})
	stop()
	os.Exit(code)
}

// terminal reports whether f is a terminal: the standard library's nearest
// question is whether it is a character device.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
