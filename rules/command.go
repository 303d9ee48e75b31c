package rules

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// A Command is a line of a comment that asks for something: `/change hold`. Wrong
// says what is not right about it, and Fix what to write instead; both are empty
// for a command that can be carried out.
type Command struct {
	Name string // help, status, recheck, ...; as written when there is none of that name
	Rule string // with waive: what is waived
	ID   string // with ack: EX-n
	Time string // with schedule: as written
	// Reason, Incident and Outcome are what people wrote, on one line and
	// untouched: it stands on the record as they wrote it.
	Reason, Incident, Outcome string

	Line       int // of the comment, from 1
	Wrong, Fix string
}

// maxWords is the most characters of a reason, incident or outcome.
const maxWords = 500

// maxCommands is how many commands of one comment are read. The rest is refused
// in one answer.
const maxCommands = 10

// syntax is what each command takes, in the order in which help lists them.
var syntax = []struct {
	name string
	form string // what follows the name
	keys []string
	read func(*Command, string)
}{
	{"help", "", nil, nothing},
	{"status", "", nil, nothing},
	{"recheck", "", nil, nothing},
	{"schedule", "2026-11-30 09:00 Europe/Berlin", nil, (*Command).readTime},
	{"request-review", "", nil, nothing},
	{"hold", "", nil, (*Command).readHold},
	{"unhold", "", nil, nothing},
	{"waive", "freeze reason: why it cannot wait", []string{"reason"}, (*Command).readWaiver},
	{"break-glass", "reason: what happened incident: INC-881", []string{"reason", "incident"}, (*Command).readBreakGlass},
	{"ack", "EX-17 outcome: what the review found", []string{"outcome"}, (*Command).readAck},
	{"rollback", "reason: what happened incident: INC-881", []string{"reason", "incident"}, (*Command).readRollback},
}

// CommandNames are the commands there are, in the order in which help lists them.
func CommandNames() []string {
	var all []string
	for _, s := range syntax {
		all = append(all, s.name)
	}
	return all
}

// CommandForm returns what follows a command's name, as an example that works.
func CommandForm(name string) string {
	for _, s := range syntax {
		if s.name == name {
			return s.form
		}
	}
	return ""
}

var commandLine = regexp.MustCompile(`^/change(?:[ \t]+(.*))?$`)

// Commands finds the commands of a comment: each a line of ordinary text that
// begins with /change. Code, quotes, lists, comments and headings are left out by
// a Markdown parser, so that quoting somebody's command does not repeat it.
func Commands(body string) []Command {
	if len(body) > maxBody || !strings.Contains(body, "/change") {
		return nil
	}
	source := []byte(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(body))
	var found []Command
	doc := markdown().Parse(text.NewReader(source))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if n.Kind() != ast.KindParagraph {
			continue
		}
		for i := range n.Lines().Len() {
			at := n.Lines().At(i)
			line := string(bytes.TrimRight(at.Value(source), "\n"))
			// The parser drops what indents a line; a command stands at its beginning.
			m := commandLine.FindStringSubmatch(strings.TrimRight(line, " \t"))
			if m == nil || at.Padding != 0 || at.Start > 0 && source[at.Start-1] != '\n' {
				continue
			}
			if len(found) == maxCommands {
				return append(found[:maxCommands-1], Command{Line: lineOf(source, at.Start),
					Wrong: fmt.Sprintf("more than %d commands in one comment", maxCommands-1), Fix: "write the others in a comment of their own"})
			}
			c := command(m[1])
			c.Line = lineOf(source, at.Start)
			found = append(found, c)
		}
	}
	return found
}

func lineOf(source []byte, at int) int { return 1 + bytes.Count(source[:at], []byte("\n")) }

// command reads what follows /change.
func command(words string) Command {
	name, rest, _ := strings.Cut(strings.TrimSpace(words), " ")
	c, rest := Command{Name: strings.ToLower(name)}, strings.TrimSpace(rest)
	for _, s := range syntax {
		if s.name != c.Name {
			continue
		}
		s.read(&c, rest)
		if c.Wrong != "" && c.Fix == "" {
			c.Fix = code("/change " + strings.TrimSpace(s.name+" "+s.form))
		}
		return c
	}
	c.Wrong = code(strings.TrimSpace("/change "+clip(visible(name), 40))) + " is not a command"
	switch near := Nearest(c.Name, CommandNames()); {
	case name == "" || c.Name == "?":
		c.Wrong, c.Fix = "the command is missing", code("/change help")
	case Nearest(c.Name, append(CommandNames(), "approve", "reject")) == "approve":
		c.Fix = "approvals are given in Files changed > Review changes > Approve: a review carries the commit it looked at"
	case near != "":
		c.Fix = "did you mean " + code("/change "+near) + "?"
	default:
		c.Fix = code("/change help") + " lists the commands"
	}
	return c
}

func nothing(c *Command, rest string) {
	if rest != "" {
		c.Wrong = code("/change "+c.Name) + " takes nothing after it"
	}
}

func (c *Command) readTime(rest string) {
	c.Time = strings.Trim(rest, "`\"'")
	if c.Time == "" {
		c.Wrong = "the time is missing"
	}
}

func (c *Command) readHold(rest string) {
	c.Reason = rest
	if words, ok := strings.CutPrefix(rest, "reason:"); ok {
		c.Reason = strings.TrimSpace(words)
	}
	c.bounded("reason", c.Reason)
}

func (c *Command) readWaiver(rest string) {
	what, words, _ := strings.Cut(rest, " ")
	c.Rule = strings.ToLower(what)
	c.fields(words, map[string]*string{"reason": &c.Reason})
	if c.Rule != "freeze" {
		c.Wrong, c.Fix = code(what)+" cannot be waived; only a freeze can", ""
	}
}

func (c *Command) readBreakGlass(rest string) {
	c.fields(rest, map[string]*string{"reason": &c.Reason, "incident": &c.Incident})
}

// readRollback reads why a change is rolled back, which nobody has to say: the words
// without a key are the reason.
func (c *Command) readRollback(rest string) {
	if m := key.FindStringSubmatchIndex(rest); rest != "" && (m == nil || strings.TrimSpace(rest[:m[0]]) != "") {
		rest = "reason: " + rest
	}
	c.keyed(rest, map[string]*string{"reason": &c.Reason, "incident": &c.Incident})
	c.bounded("reason", c.Reason)
	c.bounded("incident", c.Incident)
}

var exceptionID = regexp.MustCompile(`^EX-[1-9][0-9]{0,8}$`)

func (c *Command) readAck(rest string) {
	id, words, _ := strings.Cut(rest, " ")
	c.ID = strings.ToUpper(id)
	c.fields(words, map[string]*string{"outcome": &c.Outcome})
	if !exceptionID.MatchString(c.ID) {
		c.Wrong = code(id) + " is not the number of an exception"
		if id == "" {
			c.Wrong = "the number of the exception is missing"
		}
	}
}

// A key stands between blanks: the colon of an address is none.
var key = regexp.MustCompile(`(?:^|[ \t])([a-z]+):`)

// fields reads `key: words key: words`. Every key is wanted, once; a word with a
// colon that is no key is part of the text.
func (c *Command) fields(rest string, into map[string]*string) {
	if c.keyed(rest, into); c.Wrong != "" {
		return
	}
	for _, name := range []string{"reason", "incident", "outcome"} {
		if field := into[name]; field != nil {
			if *field == "" {
				c.Wrong = code(name+":") + " is missing"
				return
			}
			c.bounded(name, *field)
		}
	}
}

// keyed reads the keys that are there.
func (c *Command) keyed(rest string, into map[string]*string) {
	var at *string
	from := 0
	for _, m := range key.FindAllStringSubmatchIndex(rest, -1) {
		field := into[rest[m[2]:m[3]]]
		if field == nil || m[1] < len(rest) && rest[m[1]] != ' ' && rest[m[1]] != '\t' {
			continue
		}
		if before := strings.TrimSpace(rest[:m[0]]); at == nil && before != "" {
			c.Wrong = code(clip(before, 40)) + " stands before the first key"
			return
		}
		if at != nil {
			*at = strings.TrimSpace(rest[from:m[0]])
		}
		if *field != "" || field == at {
			c.Wrong = code(rest[m[2]:m[3]]+":") + " is written twice"
			return
		}
		at, from = field, m[1]
	}
	if at != nil {
		*at = strings.TrimSpace(rest[from:])
	}
}

// bounded refuses a text that nobody would read to its end.
func (c *Command) bounded(name, words string) {
	if n := utf8.RuneCountInString(words); n > maxWords && c.Wrong == "" {
		c.Wrong = fmt.Sprintf("%s has %d characters, at most %d are kept", code(name), n, maxWords)
		c.Fix = "say it shorter, and link to the rest"
	}
}
