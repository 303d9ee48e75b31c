package rules

import (
	"fmt"
	"strings"
	"testing"
)

const codeowned = prompts + "    approvals: [{from: [codeowners]}]\n"

func ownedBy(text string) func(*Change) {
	return func(c *Change) { c.Owners = &PolicyText{Path: "CODEOWNERS", Data: []byte(text)} }
}

func modified(paths ...string) func(*Change) {
	return func(c *Change) {
		c.Files = nil
		for i, path := range paths {
			c.Files = append(c.Files, File{Path: path, Status: "modified", Old: "a", New: fmt.Sprint("b", i)})
		}
	}
}

var twoOwners = ownedBy("/prompts/ @rev1\n/prompts/b.md @rev2\n")

func TestCodeOwners(t *testing.T) {
	t.Parallel()
	a, b := "prompts/a.md", "prompts/b.md"
	renamed := touching(File{Path: b, OldPath: a, Status: "renamed", Old: "1", New: "1"})
	for _, tt := range []struct {
		name   string
		rule   string // none: 1 from codeowners
		opts   []func(*Change)
		state  State
		title  string
		turned []string
		says   string // of the first finding that is not met
	}{
		{name: "owner", opts: opt(ownedBy("* @rev1"), reviewed(review(rev1))), state: Ready, title: "Ready - 1 approval…"},
		{name: "owner in another case", opts: opt(ownedBy("* @REV1"), reviewed(review(rev1))), state: Ready, title: "Ready…"},
		{name: "nobody yet", opts: opt(ownedBy("* @acme/Owners @rev1")), state: Waiting, title: "Waiting for 1 approval - from @acme/owners, rev1",
			says: "0 of 1 approval from `@acme/owners`, rev1 for `prompts/refund.md`"},
		{name: "somebody else", opts: opt(ownedBy("* @rev1"), reviewed(review(rev2, role("admin")))), state: Waiting, title: "Waiting…", turned: []string{"rev2 CG114"}},
		{name: "owner who is the author", opts: opt(ownedBy("* @dev1"), reviewed(review(dev1))), state: Waiting, title: "Waiting for 1 approval - from dev1", turned: []string{"dev1 CG111"}},
		{name: "owner without write", opts: opt(ownedBy("* @rev1"), reviewed(review(rev1, role("triage")))), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG114"}},
		{name: "owner named otherwise needs no write", rule: "[{from: [codeowners, rev1]}]", opts: opt(ownedBy("* @rev1"), reviewed(review(rev1, role("read")))), state: Ready, title: "Ready…"},
		{name: "team", opts: opt(ownedBy("* @Acme/Owners"), reviewed(review(rev1, team("@acme/owners")))), state: Ready, title: "Ready…"},
		{name: "team without write", opts: opt(ownedBy("* @acme/owners"), reviewed(review(rev1, team("@acme/owners"), role("read")))), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG114"}},
		{name: "other team", opts: opt(ownedBy("* @acme/owners"), reviewed(review(rev1, team("@acme/other")))), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG114"}},
		{name: "a login that reads like a permission", opts: opt(ownedBy("* @write"), reviewed(review(rev1))), state: Waiting, title: "Waiting for 1 approval - from write", turned: []string{"rev1 CG114"}},
		{name: "an owner asks for changes", opts: opt(modified(a, b), twoOwners, reviewed(review(rev1), review(rev2, state(changesRequested)))), state: Failure, title: "Changes requested by rev2"},
		{name: "stale", opts: opt(ownedBy("* @rev1"), reviewed(review(rev1, of(oldCommit)))), state: Waiting, title: "Approvals stale - rev1 approved 7c1d0fe…", turned: []string{"rev1 CG115"}},

		{name: "last match wins", opts: opt(modified(b), twoOwners, reviewed(review(rev1))), state: Waiting, title: "Waiting for 1 approval - from rev2", turned: []string{"rev1 CG114"}},
		{name: "last match wins, by its owner", opts: opt(modified(b), twoOwners, reviewed(review(rev2))), state: Ready, title: "Ready…"},
		{name: "owner-less line clears", opts: opt(modified(b), ownedBy("* @rev1\n/prompts/b.md\n"), reviewed(review(rev1))), state: Author, title: "Author: give every governed file a code owner", turned: []string{"rev1 CG114"},
			says: "`prompts/b.md` (line 2 of CODEOWNERS names nobody) has no code owner"},
		{name: "no line", opts: opt(modified(a, b), ownedBy("/prompts/a.md @rev1"), reviewed(review(rev1))), state: Author, title: "Author: give every…",
			says: "`prompts/b.md` (no line of CODEOWNERS matches it) has no code owner"},
		{name: "no file", opts: opt(modified(a, b), reviewed(review(rev1, role("admin")))), state: Author, title: "Author: give every…", turned: []string{"rev1 CG114"},
			says: "`prompts/a.md` (there is no CODEOWNERS on `main`) and `prompts/b.md` (there is no CODEOWNERS on `main`) have no code owner"},
		{name: "3 MB", opts: opt(ownedBy("* @rev1\n"+strings.Repeat("#", MaxOwners)), reviewed(review(rev1))), state: Author, title: "Author: give every…", turned: []string{"rev1 CG114"},
			says: "`prompts/refund.md` (GitHub ignores a CODEOWNERS above 3 MB) has no code owner"},
		{name: "too many patterns", opts: opt(ownedBy("* @rev1\n"+strings.Repeat("*x*y\n", ownerSteps)), reviewed(review(rev1))), state: Author, title: "Author: give every…", turned: []string{"rev1 CG114"},
			says: "`prompts/refund.md` (CODEOWNERS has more patterns with wildcards than can be tried) has no code owner"},
		{name: "no owner, a team beside", rule: `[{from: [codeowners, "@acme/ai"]}]`, opts: opt(reviewed(review(rev1, team("@acme/ai")))), state: Ready, title: "Ready…"},
		{name: "no owner, the team waits", rule: `[{from: [codeowners, "@acme/ai"]}]`, opts: opt(reviewed(review(rev1))), state: Waiting, title: "Waiting for 1 approval…", turned: []string{"rev1 CG114"}},
		{name: "no owner in one entry of two", rule: "[{from: [write]}, {from: [codeowners]}]", opts: opt(reviewed(review(rev1))), state: Author, title: "Author: give every…"},

		{name: "two files, one owner", opts: opt(modified(a, b), twoOwners, reviewed(review(rev1))), state: Waiting, title: "Waiting for 1 approval - from rev2",
			says: "0 of 1 approval from rev2 for `prompts/b.md`"},
		{name: "two files, one owner each", opts: opt(modified(a, b), twoOwners, reviewed(review(rev1), review(rev2))), state: Ready, title: "Ready - 2 approvals…"},
		{name: "two files, one who owns both", opts: opt(modified(a, b), ownedBy("/prompts/ @rev1 @rev3\n/prompts/b.md @rev2 @rev3\n"), reviewed(review(rev3))), state: Ready, title: "Ready - 1 approval…"},
		{name: "owners in another order are the same", opts: opt(modified(a, b), ownedBy("/prompts/ @rev1 @rev2\n/prompts/b.md @rev2 @rev1 @rev1\n")), state: Waiting, title: "Waiting for 1 approval - from rev1, rev2",
			says: "0 of 1 approval from rev1, rev2 for `prompts/a.md` and 1 more file"},
		{name: "rename across owners, old owner", opts: opt(renamed, twoOwners, reviewed(review(rev1))), state: Waiting, title: "Waiting for 1 approval - from rev2"},
		{name: "rename across owners, new owner", opts: opt(renamed, twoOwners, reviewed(review(rev2))), state: Waiting, title: "Waiting for 1 approval - from rev1"},
		{name: "rename across owners, both", opts: opt(renamed, twoOwners, reviewed(review(rev1), review(rev2))), state: Ready, title: "Ready…"},
		{name: "rename out of what is governed", opts: opt(touching(File{Path: "attic/a.md", OldPath: a, Status: "renamed", Old: "1", New: "1"}), twoOwners, reviewed(review(rev2))), state: Waiting, title: "Waiting for 1 approval - from rev1", turned: []string{"rev2 CG114"}},
		{name: "copy out of what is governed", opts: opt(touching(File{Path: "attic/a.md", OldPath: a, Status: "copied", New: "1"}), twoOwners, reviewed(review(rev1))), state: Ready, title: "Ready…"},

		{name: "different people for each entry", rule: "[{from: [codeowners]}, {from: [write]}]", opts: opt(ownedBy("* @rev1"), reviewed(review(rev1))), state: Waiting, title: "Waiting for 1 approval - from rev1, write access"},
		{name: "the owner is kept for the owners' entry", rule: "[{from: [write]}, {from: [codeowners]}]", opts: opt(ownedBy("* @rev1"), reviewed(review(rev1), review(rev2))), state: Ready, title: "Ready - 2 approvals…"},
		{name: "what is missing beside is missing once", rule: `[{from: [codeowners]}, {from: ["@acme/sec"]}]`, opts: opt(modified(a, b), twoOwners), state: Waiting, title: "Waiting for 3 approvals - from rev1, @acme/sec, rev2"},
		{name: "the team is missing for both sets", rule: `[{from: [codeowners]}, {from: ["@acme/sec"]}]`, opts: opt(modified(a, b), twoOwners, reviewed(review(rev1), review(rev2))), state: Waiting, title: "Waiting for 1 approval - from @acme/sec"},

		{name: "bad line about the file", opts: opt(modified(b), ownedBy("* @rev1\n/prompts/b.md rev2\n"), reviewed(review(rev1))), state: Author, title: "Author: mend CODEOWNERS",
			says: "line 2 of CODEOWNERS, the last that matches `prompts/b.md`, is skipped: `rev2` is no owner"},
		{name: "e-mail owner", opts: opt(ownedBy("* @rev1\n*.md rev1@acme.example\n"), reviewed(review(rev1))), state: Author, title: "Author: mend CODEOWNERS",
			says: "line 2 of CODEOWNERS, the last that matches `prompts/refund.md`, is skipped: `rev1@acme.example` is an e-mail address, which names nobody who can be asked"},
		{name: "bad line about another file", opts: opt(ownedBy("* @rev1\n/other.md rev2\n"), reviewed(review(rev1))), state: Ready, title: "Ready…"},
		{name: "bad line that a later one overrules", opts: opt(ownedBy("* rev2\n/prompts/ @rev1\n"), reviewed(review(rev1))), state: Ready, title: "Ready…"},
		{name: "bad pattern", opts: opt(ownedBy("* @rev1\n!/prompts/ @rev2\n"), reviewed(review(rev1))), state: Ready, title: "Ready…"},
		{name: "team GitHub does not know", opts: opt(ownedBy("* @acme/None @rev1"), func(c *Change) { c.Unknown = []string{"@acme/none"} }, reviewed(review(rev1))), state: Author, title: "Author: mend CODEOWNERS",
			says: "line 1 of CODEOWNERS gives `prompts/refund.md` to `@acme/none`, which GitHub does not know or does not show to ChangeGate"},
		{name: "team that the policy names too", rule: `[{from: [codeowners, "@acme/none"]}]`, opts: opt(ownedBy("* @acme/none"), func(c *Change) { c.Unknown = []string{"@acme/none"} }), state: Failure, title: "Cannot read the policy - it names somebody GitHub does not know"},
		{name: "on a clone", opts: opt(func(c *Change) { c.Offline = true }, ownedBy("* @rev1")), state: Waiting, title: "Waiting for 1 approval - from rev1",
			says: "1 approval from rev1; reviews are not known locally"},
		{name: "on a clone, no owner", opts: opt(func(c *Change) { c.Offline = true }, ownedBy("/docs/ @rev1")), state: Author, title: "Author: give every…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := codeowned
			if tt.rule != "" {
				text = prompts + "    approvals: " + tt.rule + "\n"
			}
			v := parse(t, text).Decide(change(tt.opts...), noon)
			want(t, v, tt.state, tt.title)
			same(t, turnedOf(v), tt.turned)
			for _, f := range v.Findings {
				if f.State != Met && f.Rule == RuleApprovals && tt.says != "" {
					says, _, _ := strings.Cut(f.Says, "; not counted: ")
					same(t, says, tt.says)
					break
				}
			}
		})
	}
}

// A group that does not ask for code owners is judged as if there were no file.
func TestCodeOwnersNotAsked(t *testing.T) {
	t.Parallel()
	v := parse(t, prompts).Decide(change(ownedBy("/prompts/\n/prompts/* x\n! y\n"), reviewed(review(rev1))), noon)
	want(t, v, Ready, "Ready…")
	for _, f := range v.Findings {
		if f.Code == CodeOwnersLine || f.Code == CodeNoOwner {
			t.Errorf("%+v", f)
		}
	}
}

// Every skipped line is said, up to ten and a count; long lists stay short.
func TestCodeOwnersListsAreShort(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	var paths []string
	file.WriteString(strings.Repeat("/docs/ nobody\n", 14))
	for i := range 30 {
		path := fmt.Sprintf("prompts/%02d.md", i)
		paths = append(paths, path)
		fmt.Fprintf(&file, "/%s @owner-%d\n", path, i)
	}
	v := parse(t, codeowned).Decide(change(modified(paths...), ownedBy(file.String())), noon)
	want(t, v, Waiting, "Waiting for 30 approvals…")
	skipped, waiting, last := 0, 0, ""
	for _, f := range v.Findings {
		switch {
		case f.Code == CodeOwnersLine && f.State == Met:
			skipped++
		case f.Code == CodeApprovals:
			waiting++
			last = f.Says
		case strings.Contains(f.Says, "more line") && f.Says != "CODEOWNERS: 4 more lines skipped":
			t.Error(f.Says)
		}
	}
	if skipped != 10 || waiting != 11 || last != "approvals are missing for 20 more sets of code owners" {
		t.Errorf("%d skipped lines and %d missing, at last %q", skipped, waiting, last)
	}
	v = parse(t, codeowned).Decide(change(modified(paths...), ownedBy(strings.ReplaceAll(file.String(), "@", ""))), noon)
	if n := strings.Count(sayings(v), CodeOwnersLine); n != 11+10 {
		t.Errorf("%d findings\n%s", n, sayings(v))
	}
}

// The notice runs from the approval that was the last to be needed, whichever set of
// owners it is for.
func TestCodeOwnersNotice(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"/prompts/ @rev1\n/prompts/b.md @rev2\n", "/prompts/ @rev2\n/prompts/b.md @rev1\n"} {
		for notice, state := range map[string]State{"22h": Ready, "23h30m": Scheduled} { // approved 24 and 23 hours ago
			v := parse(t, codeowned+"    notice: "+notice+"\n").Decide(change(asks(request+"  effective_at: on-merge\n"),
				modified("prompts/a.md", "prompts/b.md"), ownedBy(file), reviewed(review(rev1), review(rev2))), noon)
			if v.State != state {
				t.Errorf("%s: %s, want %s", notice, v.Title, state)
			}
		}
	}
	v := parse(t, codeowned+"    notice: 1h\n").Decide(change(asks(request+"  effective_at: on-merge\n")), noon)
	for _, f := range v.Findings {
		if f.Rule == RuleNotice {
			t.Errorf("nobody can approve, and the notice is said to be %s: %s", f.State, f.Says)
		}
	}
}

// A team of the policy that GitHub does not know is the policy's mistake, once.
func TestCodeOwnersUnknownToThePolicy(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"    approvals: [{from: [codeowners, '@acme/none']}]\n")
	v := p.Decide(change(ownedBy("* @acme/none"), func(c *Change) { c.Unknown = []string{"@acme/none"} }), noon)
	same(t, codesOf(v), []string{CodeUnknownName, CodeApprovals})
}

func TestCodeOwnersMet(t *testing.T) {
	t.Parallel()
	for paths, want := range map[string]string{
		"prompts/a.md":              "1 of 1: `rev1` for `e55a210` and `rev2` for `e55a210`",
		"prompts/a.md prompts/b.md": "1 of 1 for each of 2 sets of code owners: `rev1` for `e55a210` and `rev2` for `e55a210`",
	} {
		v := parse(t, codeowned).Decide(change(modified(strings.Fields(paths)...), ownedBy("* @rev1 @rev2\nb.md @rev2\n"), reviewed(review(rev1), review(rev2))), noon)
		for _, f := range v.Findings {
			if f.Rule == RuleApprovals {
				same(t, f.Says, want)
			}
		}
	}
}
