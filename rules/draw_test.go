package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// Random small policies and changes. Few values, so that they meet: every name,
// path, commit and instant of one is likely to occur in the other. Instants are
// quarters of an hour.

func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

func usually(t *rapid.T, label string) bool { return rapid.IntRange(0, 4).Draw(t, label) != 4 }

func some[T any](t *rapid.T, label string, most int, draw func(i int) T) []T {
	var out []T
	for i := range rapid.IntRange(0, most).Draw(t, label) {
		out = append(out, draw(i))
	}
	return out
}

func drawPolicy(t *rapid.T) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nmode: enforce\ntimezone: %s\napprovals_cover: %s\ngoverned:\n",
		pick(t, "zone", "UTC", "Europe/Berlin"), pick(t, "cover", "content", "content", "head"))
	for i := range rapid.IntRange(1, 3).Draw(t, "groups") {
		fmt.Fprintf(&b, "- name: g%d\n  kind: %s\n  paths: %s\n", i,
			pick(t, "kind", "prompt", "policy", "eval", "other"),
			pick(t, "paths", "[prompts/**]", "[tools/**]", "['**', '!tools/**']", "['*/a.md']"))
		if entries := drawEntries(t); len(entries) > 0 {
			fmt.Fprintf(&b, "  approvals: [%s]\n", strings.Join(entries, ", "))
		}
		fmt.Fprint(&b, pick(t, "rest", "", "", "  rollback: optional\n", "  effective_at: optional\n  rollback: optional\n",
			"  notice: 90m\n", "  notice: 24h\n", "  require_checks: [{name: evals, app: github-actions}]\n"))
	}
	fmt.Fprint(&b, pick(t, "rollback_approvals", "", "", "rollback_approvals: 0\n", "rollback_approvals: 2\n"))
	if lines := some(t, "freezes", 2, func(i int) string { return drawFreeze(t, i) }); len(lines) > 0 {
		fmt.Fprint(&b, "freezes:\n", strings.Join(lines, ""))
	}
	fmt.Fprint(&b, pick(t, "break_glass", "", "break_glass: {who: ['@acme/a', rev2], reviewers: ['@acme/b', maintain], review_within: 6h}\n", "break_glass: {who: ['@acme/b'], expires: 3h}\n"))
	return b.String()
}

// drawEmergency draws what was ordered by commands: usually nothing, and of an
// exception usually one that covers.
func drawEmergency(t *rapid.T, c *Change) {
	if usually(t, "no hold") {
		c.Exceptions = some(t, "exceptions", 2, func(i int) Exception { return drawException(t, i+1) })
		return
	}
	c.Holds = some(t, "holds", 2, func(int) Hold {
		return Hold{By: pick(t, "held by", people...), As: pick(t, "held as", "@acme/a", "write"), At: drawTime(t, "held at")}
	})
}

func drawException(t *rapid.T, number int) Exception {
	x := Exception{Number: number, Kind: pick(t, "kind", KindBreakGlass, KindBreakGlass, KindWaiver), By: pick(t, "invoker", lead, lead, lead, boss, dev2, rev3, agent),
		As: pick(t, "as", "@acme/a", "@acme/b", "@acme/b", "rev2", "write"), Incident: "INC-1", Freezes: []string{"f0", "f1"}, Head: headCommit, Base: "main"}
	x.At = noon.Add(time.Duration(rapid.IntRange(-30, 2).Draw(t, "opened")) * 15 * time.Minute)
	x.Expires = x.At.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "lasts")) * 15 * time.Minute)
	x.Due = x.At.Add(time.Duration(rapid.IntRange(20, 100).Draw(t, "due")) * 15 * time.Minute)
	if !usually(t, "this head") {
		x.Head = oldCommit
	}
	if rapid.Bool().Draw(t, "reviewed") {
		x.Closed = &Closing{By: rev3, As: "maintain", At: x.At.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "closed")) * 15 * time.Minute)}
	}
	return x
}

func drawEntries(t *rapid.T) []string {
	return some(t, "entries", 3, func(int) string {
		return fmt.Sprintf("{count: %d, from: [%s]}", rapid.IntRange(1, 2).Draw(t, "count"),
			pick(t, "from", "write", "maintain", "'@acme/a'", "'@acme/b'", "'@acme/a', '@acme/b'", "'@acme/b', maintain", "codeowners", "codeowners, '@acme/b'"))
	})
}

func drawFreeze(t *rapid.T, i int) string {
	if rapid.Bool().Draw(t, "dated") {
		from := drawTime(t, "from")
		until := from.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "quarters")) * 15 * time.Minute)
		return fmt.Sprintf("- {name: f%d, from: %s, until: %s}\n", i, stamp(from, nil), stamp(until, nil))
	}
	return fmt.Sprintf("- {name: f%d, %s, governs: [g0]}\n", i, pick(t, "cron",
		"start: '0 18 * * 2', lasts: 10h", "start: '30 9 * * *', lasts: 90m", "start: '0 0 24-26 11 *', lasts: 24h", "start: '45 23 * * *', lasts: 23h, timezone: America/New_York"))
}

func drawTime(t *rapid.T, label string) time.Time {
	return noon.Add(time.Duration(rapid.IntRange(-200, 200).Draw(t, label)) * 15 * time.Minute)
}

var people = []Person{dev1, dev2, rev1, rev2, rev3, agent, {Login: "ghost"}}

func drawChange(t *rapid.T) *Change {
	c := change()
	c.Author = pick(t, "author", dev1, dev1, dev1, dev2, agent)
	c.Assignees = some(t, "assignees", 1, func(int) Person { return pick(t, "assignee", people...) })
	c.Commits = some(t, "commits", 3, func(i int) Commit {
		return Commit{ID: fmt.Sprint("c", i), Author: pick(t, "wrote", dev1, dev1, dev1, dev2, rev2), Committer: pick(t, "committed", dev1, dev1, dev2, rev3),
			CoAuthors: some(t, "co-authors", 1, func(int) Person { return pick(t, "co-author", people...) })}
	})
	c.Files = drawFiles(t)
	c.Revisions = some(t, "revisions", 3, func(i int) Revision {
		r := Revision{Commit: pick(t, "at", oldCommit, "0123456"), Base: pick(t, "on", "main", "main", "release"), Files: c.Files}
		if rapid.Bool().Draw(t, "other files") {
			r.Files = drawFiles(t)
		}
		return r
	})
	c.Owners = pick(t, "owners", nil, &PolicyText{Data: []byte("* @Rev1 @rev2 @rev3\n")},
		&PolicyText{Data: []byte("* @acme/a\n*.md @rev2 @acme/b\n/prompts/b.md @REV3\n/tools/\n*/b.md x\n")})
	c.Requests = drawRequests(t)
	q, _ := ReadRequest(c.Requests, nil)
	for i, by := range []Person{rev1, rev2, rev3} {
		if usually(t, by.Login) {
			c.Reviews = append(c.Reviews, Review{ID: int64(10 + i), By: by, State: approved, Commit: headCommit, At: drawTime(t, "at"),
				Permission: "maintain", Teams: []string{"@acme/a", "@acme/b"}, Request: q.Digest()})
		}
	}
	c.Reviews = append(c.Reviews, some(t, "reviews", 4, func(i int) Review {
		return Review{ID: int64(i), By: pick(t, "by", people...), State: pick(t, "state", approved, approved, approved, "COMMENTED", dismissed, changesRequested),
			Commit: pick(t, "of", headCommit, headCommit, oldCommit, "0123456"), At: drawTime(t, "at"),
			Permission: pick(t, "role", "write", "write", "read", "maintain"),
			Teams:      some(t, "teams", 2, func(int) string { return pick(t, "team", "@acme/a", "@acme/b") }),
			Request:    pick(t, "request", q.Digest(), q.Digest(), q.Digest(), "")}
	})...)
	if !usually(t, "no retarget") {
		c.Retargeted = drawTime(t, "when")
	}
	if usually(t, "checked") {
		c.Checks = []Check{{"evals", "github-actions", pick(t, "status", "completed", "completed", "queued"), pick(t, "conclusion", "success", "success", "failure")}}
	}
	c.RequestSince = noon.Add(-60 * time.Hour)
	drawEmergency(t, c)
	drawUndoes(t, c)
	drawTarget(t, c)
	return c
}

// drawTarget draws what rollback.to comes to: usually what would take the change back,
// otherwise that with one flaw.
func drawTarget(t *rapid.T, c *Change) {
	restorable(c)
	if usually(t, "verified") || usually(t, "verified all the same") {
		return
	}
	r := &Restored{}
	if n := len(c.Target.Files); n > 0 {
		r = &c.Target.Files[rapid.IntRange(0, n-1).Draw(t, "restored")]
	}
	switch pick(t, "flaw", "unknown", "ambiguous", "elsewhere", "nothing", "path", "same", "wrong", "link", "revert", "another") {
	case "unknown":
		c.Target.Unknown = "the clone is shallow"
	case "ambiguous":
		c.Target.Commit, c.Target.Ambiguous = "", true
	case "elsewhere":
		c.Target.InBase = false
	case "nothing":
		c.Target.Commit = ""
	case "path":
		r.Path += "x"
	case "same":
		r.Back = r.Landed
	case "wrong":
		r.Wrong = pick(t, "wrong", WrongConflict, WrongKind, WrongLarge, WrongBinary, WrongUnread, WrongElsewhere, "unheard of")
	case "link":
		r.Back.Mode = pick(t, "mode", "120000", "160000")
	case "revert":
		c.Target.Form = FormRevert
	case "another":
		c.Target.To = "v2"
	}
}

// drawUndoes draws what the change may be the rollback of: usually nothing, otherwise a
// plan of the files of one folder or of all, which is now and then exact.
func drawUndoes(t *rapid.T, c *Change) {
	if usually(t, "no rollback") {
		return
	}
	all := c.Files
	for i := range rapid.IntRange(1, 2).Draw(t, "plans") {
		folder := pick(t, "folder", "", "prompts/", "tools/")
		c.Files = slices.DeleteFunc(slices.Clone(all), func(f File) bool { return !strings.HasPrefix(f.Path, folder) })
		undoing(i + 1)(c)
		if len(c.Files) > 0 && rapid.Bool().Draw(t, "one byte more") {
			c.Undoes[i].Head[c.Files[0].Path] = pick(t, "head", Entry{}, entry644("9"), Entry{"1", "100755"})
		}
	}
	c.Files = all
}

func drawFiles(t *rapid.T) []File {
	var out []File
	for _, path := range []string{"prompts/a.md", "prompts/b.md", "tools/a.md", "README.md", ".github/workflows/x.yml"} {
		if rapid.Bool().Draw(t, path) {
			out = append(out, File{Path: path, Status: "modified", Old: "0", New: pick(t, "blob", "1", "2")})
		}
	}
	return out
}

func drawRequests(t *rapid.T) []RequestText {
	date := pick(t, "date", "on-merge", "on-merge", "", stamp(drawTime(t, "effective"), nil))
	text := request + "  effective_at: " + date + "\n" + pick(t, "more", "", "", "", "  requested_by: rev3\n", "  risk: high\n", "  typo: 1\n")
	if usually(t, "one request") {
		return []RequestText{{Line: 3, Text: text}}
	}
	return pick(t, "requests", nil,
		[]RequestText{{Line: 3, Text: text}, {Path: ".changes/a.yml", Line: 1, Text: text}},
		[]RequestText{{Line: 3, Text: text}, {Path: ".changes/a.yml", Line: 1, Text: request}})
}
