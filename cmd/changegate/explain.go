package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"changegate/rules"
)

// runExplain prints the meaning of one finding code, or the table of all.
func runExplain(_ context.Context, args []string, e env) int {
	fs := e.flags("explain", "[CODE]", "Says what a finding code means and who acts; without a code, lists all.")
	asJSON := fs.Bool("json", false, "print the result as JSON")
	names, code, done := e.parse(fs, args, 1)
	switch {
	case done:
		return code
	case len(names) == 0 && *asJSON:
		return e.printJSON(rules.Codes(), exitOK)
	case len(names) == 0:
		return e.print(codeTable(), exitOK)
	}
	c, ok := rules.Explain(strings.ToUpper(names[0]))
	switch {
	case !ok:
		return e.fail("explain", unknownCode(names[0]))
	case *asJSON:
		return e.printJSON(c, exitOK)
	}
	return e.print(codeText(c), exitOK)
}

func codeTable() string {
	var b strings.Builder
	for _, c := range rules.Codes() {
		fmt.Fprintf(&b, "%s  %s\n", c.ID, c.Name)
	}
	return b.String()
}

func codeText(c rules.Code) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n\n", c.ID, c.Name)
	hang(&b, "  ", c.Help)
	if c.State != "" {
		fmt.Fprintf(&b, "\n  Unmet, it makes the change: %s\n", strings.ToLower(outcomes[c.State][0]))
	}
	return b.String()
}

// unknownCode suggests a code by its id, or by the words of its name.
func unknownCode(asked string) error {
	var ids, names []string
	byName := map[string]string{}
	for _, c := range rules.Codes() {
		ids, names = append(ids, c.ID), append(names, c.Name)
		byName[c.Name] = c.ID
	}
	near := rules.Nearest(asked, ids)
	if name := rules.Nearest(asked, names); near == "" && name != "" {
		near = byName[name] + " (" + name + ")"
	}
	if near == "" {
		return errors.New("no code " + fmt.Sprintf("%q", asked) + "; changegate explain lists all")
	}
	return fmt.Errorf("no code %q; did you mean %s?", asked, near)
}
