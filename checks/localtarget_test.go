package checks

import (
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"

	"changegate/rules"
)

func wayBack(to string) string {
	return "```yaml\nchange:\n  why: x\n  rollback: {to: " + to + "}\n```\n"
}

// enrolled adds the policy to a tree: without one nothing is governed.
func enrolled(fs files) files {
	fs[PolicyPath] = onePolicy
	return fs
}

// TestLocalTargetIsOneThing: tags and commit ids alone are looked for, both of them,
// and exactly one thing is to be there.
func TestLocalTargetIsOneThing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, false)
	first := f.commit(enrolled(files{"prompts/a": "1"}))
	main := f.commit(enrolled(files{"prompts/a": "2"}), first)
	side := f.commit(enrolled(files{"prompts/a": "3"}), first)
	f.ref("refs/heads/main", main)
	f.ref("refs/heads/feature", f.commit(enrolled(files{"prompts/a": "4"}), main))
	f.ref("refs/heads/production", first)
	f.ref("refs/tags/v1", first)
	inner := f.annotated("v2", plumbing.CommitObject, main)
	f.annotated("v3", plumbing.TagObject, inner)
	f.ref("refs/tags/"+first.String()[:8], main)  // a tag that reads like another commit's id
	f.ref("refs/tags/"+first.String()[:9], first) // and one that is the same commit
	f.ref("refs/tags/20261101", first)            // a tag that reads like a commit's id
	f.ref("refs/tags/aside", side)
	f.annotated("blob", plumbing.BlobObject, f.blob("1"))

	one := func(commit plumbing.Hash, form string) rules.Target {
		return rules.Target{Commit: commit.String(), Form: form, InBase: commit != side}
	}
	for to, want := range map[string]rules.Target{
		first.String():                   one(first, rules.FormCommit),
		first.String()[:7]:               one(first, rules.FormCommit),
		first.String()[:6]:               {},
		first.String() + "0":             {},
		strings.ToUpper(main.String()):   one(main, rules.FormCommit),
		"prompts/a@" + main.String()[:9]: one(main, rules.FormPath),
		"prompts@v1":                     one(first, rules.FormPath),
		first.String()[:8]:               {Ambiguous: true},
		first.String()[:9]:               one(first, rules.FormCommit),
		"v1":                             one(first, rules.FormTag),
		"v2":                             one(main, rules.FormTag),
		"v3":                             one(main, rules.FormTag),
		"20261101":                       one(first, rules.FormTag),
		"aside":                          one(side, rules.FormTag),
		side.String():                    one(side, rules.FormCommit),
		"blob":                           {},
		"production":                     {},
		"nowhere":                        {},
		"deadbeef":                       {},
		f.blob("1").String():             {},
	} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			c := f.read(wayBack(to)).Change
			want.To = to
			got := *c.Target
			if listed := len(got.Files) == 1; listed != got.InBase {
				t.Errorf("files %+v, in base %v", got.Files, got.InBase)
			}
			got.Files = nil
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("target (-want +got):\n%s", d)
			}
			if len(c.Gaps) > 0 {
				t.Errorf("gaps %v", c.Gaps)
			}
		})
	}
}

// TestLocalTargetRestores lists what each form leaves at every governed path.
func TestLocalTargetRestores(t *testing.T) {
	t.Parallel()
	sub := strings.Repeat("ab", 20)
	f := newFixture(t, false)
	was := files{"prompts/edited": "1", "prompts/gone": "x", "prompts/moved": "m", "prompts/script": "s", "prompts/link": "text",
		"prompts/mod": "text", "prompts/deep/er": "1", "readme": "1"}
	first := f.commit(enrolled(files{"prompts/edited": "0", "prompts/link": "mode 120000 edited", "prompts/added": "old", "prompts/mod": "mode 160000 " + sub}))
	fork := f.commit(enrolled(was), first)
	f.ref("refs/heads/main", f.commit(enrolled(files{"prompts/edited": "1", "prompts/gone": "x", "prompts/moved": "m", "prompts/script": "s",
		"prompts/link": "text", "prompts/mod": "text", "prompts/deep/er": "1", "readme": "2"}), fork))
	f.ref("refs/tags/v1", first)
	f.ref("refs/heads/feature", f.commit(enrolled(files{"prompts/edited": "2", "moved": "m", "prompts/script": "mode 100755 s", "prompts/link": "other",
		"prompts/added": "new", "prompts/mod": "other", "prompts/deep/er": "2", "readme": "1"}), fork))

	is := func(content string) rules.Entry {
		if content == "" {
			return rules.Entry{}
		}
		e := f.entry("", content)
		return rules.Entry{Blob: e.Hash.String(), Mode: octal(e.Mode)}
	}
	row := func(path, landed, back, wrong string) rules.Restored {
		return rules.Restored{Path: "prompts/" + path, Landed: is(landed), Back: is(back), Wrong: wrong}
	}
	toFirst := []rules.Restored{
		row("added", "new", "old", ""),
		row("deep/er", "2", "", ""),
		row("edited", "2", "0", ""),
		row("gone", "", "", ""),
		row("link", "other", "mode 120000 edited", rules.WrongKind),
		row("mod", "other", "mode 160000 "+sub, rules.WrongKind),
		row("moved", "", "", ""),
		row("script", "mode 100755 s", "", ""),
	}
	toFork := []rules.Restored{
		row("added", "new", "", ""),
		row("deep/er", "2", "1", ""),
		row("edited", "2", "1", ""),
		row("gone", "", "x", ""),
		row("link", "other", "text", ""),
		row("mod", "other", "text", ""),
		row("moved", "", "m", ""),
		row("script", "mode 100755 s", "s", ""),
	}
	for to, want := range map[string][]rules.Restored{
		"v1":                                 toFirst,
		first.String():                       toFirst,
		fork.String()[:12]:                   toFork,
		"revert":                             toFork,
		"prompts@v1":                         toFirst,
		"prompts/@v1":                        toFirst,
		"prompts/edited@v1":                  {row("edited", "2", "0", "")},
		"prompts/edit@v1":                    nil,
		"prompts/deep@v1":                    {row("deep/er", "2", "", rules.WrongElsewhere)},
		"prompts/script@v1":                  {row("script", "mode 100755 s", "", rules.WrongElsewhere)},
		"prompts/deep/er@v1":                 {row("deep/er", "2", "", rules.WrongElsewhere)},
		"prompts/link@v1":                    {row("link", "other", "mode 120000 edited", rules.WrongKind)},
		"readme@v1":                          nil,
		"prompts/gone/x/y@v1":                nil,
		"prompts/added@" + fork.String()[:7]: {row("added", "new", "", "")},
	} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			got := f.read(wayBack(to)).Change.Target
			if got.Unknown != "" || !got.InBase {
				t.Errorf("unknown %q, in base %v", got.Unknown, got.InBase)
			}
			if d := cmp.Diff(want, got.Files); d != "" {
				t.Errorf("files (-want +got):\n%s", d)
			}
		})
	}
}

// TestLocalTargetReadsThePolicyThatComesBack: the rules parse it as they do a new one.
func TestLocalTargetReadsThePolicyThatComesBack(t *testing.T) {
	t.Parallel()
	const broken = "version: 2\n"
	f := newFixture(t, false)
	none := f.commit(files{"a": "1"})
	bad := f.commit(files{PolicyPath: broken}, none)
	huge := f.commit(files{PolicyPath: strings.Repeat("#", rules.MaxPolicy+1)}, bad)
	main := f.commit(files{PolicyPath: onePolicy}, huge)
	f.ref("refs/heads/main", main)
	f.ref("refs/heads/feature", f.commit(files{PolicyPath: onePolicy + "mode: enforce\n"}, main))
	for to, want := range map[plumbing.Hash]rules.Restored{
		main: {Text: []byte(onePolicy)},
		bad:  {Text: []byte(broken)},
		huge: {Wrong: rules.WrongUnread},
		none: {},
	} {
		got := f.read(wayBack(to.String())).Change.Target
		if len(got.Files) != 1 || got.Files[0].Path != PolicyPath || string(got.Files[0].Text) != string(want.Text) || got.Files[0].Wrong != want.Wrong {
			t.Errorf("%s: %+v", to, got)
		}
	}
}

// TestLocalTargetSaysWhatTheCloneLacks: never verified, and the command that helps.
func TestLocalTargetSaysWhatTheCloneLacks(t *testing.T) {
	t.Parallel()
	// three commits, of which a shallow clone has the last two, and a feature
	story := func(t *testing.T) (f *fixture, first, second plumbing.Hash) {
		f = newFixture(t, false)
		first = f.commit(enrolled(files{"prompts/a": "1"}))
		second = f.commit(enrolled(files{"prompts/a": "2"}), first)
		main := f.commit(enrolled(files{"prompts/a": "3"}), second)
		f.ref("refs/heads/main", main)
		f.ref("refs/heads/feature", f.commit(enrolled(files{"prompts/a": "4"}), main))
		return f, first, second
	}
	t.Run("shallow", func(t *testing.T) {
		t.Parallel()
		f, first, second := story(t)
		gone := f.commit(files{"a": "1"})
		f.ref("refs/tags/beyond", gone)
		must(t, f.store.SetShallow([]plumbing.Hash{second, gone}))
		for to, want := range map[string]string{
			second.String():      "",
			"revert":             "",
			second.String()[:10]: "write all 40 digits",
			first.String()[:10]:  "write all 40 digits",
			"v9":                 "does not hold it; run `git fetch --unshallow --tags`",
			"deadbeef":           "does not hold it; run `git fetch --unshallow --tags`",
			"beyond":             "the history of the base branch is not known; run `git fetch --unshallow --tags`",
		} {
			got := f.read(wayBack(to)).Change.Target
			if !strings.Contains(got.Unknown, want) || (got.Unknown == "") != (want == "") || (want == "") != (len(got.Files) == 1) {
				t.Errorf("%s: %+v, want %q", to, got, want)
			}
		}
	})
	t.Run("shallow, and where the change began is not there", func(t *testing.T) {
		t.Parallel()
		f, first, second := story(t)
		main := f.commit(enrolled(files{"prompts/a": "3"}), second)
		head := f.commit(enrolled(files{"prompts/a": "4"}), first)
		f.ref("refs/heads/main", main)
		f.ref("refs/heads/feature", head)
		f.ref("refs/tags/v1", main)
		must(t, f.store.SetShallow([]plumbing.Hash{main, head}))
		for _, to := range []string{"revert", "v1", main.String()} {
			got := f.read(wayBack(to)).Change.Target
			if !strings.Contains(got.Unknown, "shallow") || len(got.Files) > 0 {
				t.Errorf("%s: %+v", to, got)
			}
		}
	})
	t.Run("no tags", func(t *testing.T) {
		t.Parallel()
		f, first, _ := story(t)
		f.write(".git/config", "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://github.com/acme/agents\n\ttagOpt = --no-tags\n")
		if got := f.read(wayBack("v1")).Change.Target; !strings.Contains(got.Unknown, "run `git fetch --tags`") {
			t.Errorf("%+v", got)
		}
		if got := f.read(wayBack(first.String())).Change.Target; got.Unknown != "" || len(got.Files) != 1 {
			t.Errorf("%+v", got)
		}
	})
	for name, config := range map[string]string{
		"run `git fetch --refetch --no-filter`": "[remote \"origin\"]\n\tpromisor = true\n\tpartialclonefilter = tree:0\n",
		"run `git fetch --refetch`":             "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _, _ := story(t)
			lost := f.commitTree(plumbing.NewHash(strings.Repeat("12", 20)), "its tree is not here")
			main := f.commit(enrolled(files{"prompts/a": "3"}), lost)
			f.ref("refs/heads/main", main)
			f.ref("refs/heads/feature", f.commit(enrolled(files{"prompts/a": "4"}), main))
			f.write(".git/config", "[core]\n\tbare = false\n"+config)
			got := f.read(wayBack(lost.String())).Change.Target
			if !strings.Contains(got.Unknown, "read tree 1212") || !strings.HasSuffix(got.Unknown, name) || len(got.Files) > 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestLocalTargetWithoutAPolicy: which paths are governed is not known.
func TestLocalTargetWithoutAPolicy(t *testing.T) {
	t.Parallel()
	f, main, _ := two(t, files{"prompts/a": "1"}, files{"prompts/a": "2"})
	if got := f.read(wayBack(main.String())).Change.Target; got != nil {
		t.Errorf("%+v", got)
	}
}

// TestLocalTargetWhereTheBaseMoved: what the base branch changed too has to be merged,
// to tell what the change lands and, of revert, what is left without it.
func TestLocalTargetWhereTheBaseMoved(t *testing.T) {
	t.Parallel()
	text := func(first, last string) string { return first + "\n" + strings.Repeat("Be kind.\n", 9) + last + "\n" }
	large := func(first string) string { return first + strings.Repeat("x", rules.MaxMerged) }
	f := newFixture(t, false)
	fork := f.commit(enrolled(files{"prompts/apart": text("1", "1"), "prompts/bin": "\x001", "prompts/gone": "1", "prompts/large": large("1"),
		"prompts/latin": text("caf\xe9", "1"), "prompts/mode": "1", "prompts/same": "1\n", "prompts/twice": "1"}))
	f.ref("refs/tags/fork", fork)
	f.ref("refs/heads/main", f.commit(enrolled(files{"prompts/apart": text("1", "3"), "prompts/bin": "\x003", "prompts/gone": "3", "prompts/large": large("3"),
		"prompts/latin": text("Caf\xe9", "1"), "prompts/mode": "mode 100755 1", "prompts/same": "3\n", "prompts/twice": "2"}), fork))
	f.ref("refs/heads/feature", f.commit(enrolled(files{"prompts/apart": text("2", "1"), "prompts/bin": "\x002", "prompts/large": large("2"),
		"prompts/latin": text("caf\xe9", "2"), "prompts/mode": "2", "prompts/same": "2\n", "prompts/twice": "2"}), fork))

	is := func(content string) rules.Entry {
		e := f.entry("", content)
		return rules.Entry{Blob: e.Hash.String(), Mode: octal(e.Mode)}
	}
	clash := &rules.Conflict{Line: 1, Wrote: "2\n", Now: "3\n", Before: "1\n"}
	for to, want := range map[string][]rules.Restored{
		"revert": {
			{Path: "prompts/apart", Landed: is(text("2", "3")), Back: is(text("1", "3"))},
			{Path: "prompts/bin", Landed: is("\x002"), Wrong: rules.WrongBinary},
			{Path: "prompts/gone", Wrong: rules.WrongConflict},
			{Path: "prompts/large", Landed: is(large("2")), Wrong: rules.WrongLarge},
			{Path: "prompts/latin", Landed: is(text("Caf\xe9", "2")), Back: is(text("Caf\xe9", "1"))},
			{Path: "prompts/mode", Landed: is("mode 100755 2"), Back: is("mode 100755 1")},
			{Path: "prompts/same", Landed: is("2\n"), Wrong: rules.WrongConflict, Conflict: clash},
			{Path: "prompts/twice", Landed: is("2"), Wrong: rules.WrongConflict, Conflict: &rules.Conflict{Line: 1, Wrote: "2", Now: "2", Before: "1"}},
		},
		"fork": {
			{Path: "prompts/apart", Landed: is(text("2", "3")), Back: is(text("1", "1"))},
			{Path: "prompts/bin", Landed: is("\x002"), Back: is("\x001"), Wrong: rules.WrongBinary},
			{Path: "prompts/gone", Back: is("1"), Wrong: rules.WrongConflict},
			{Path: "prompts/large", Landed: is(large("2")), Back: is(large("1")), Wrong: rules.WrongLarge},
			{Path: "prompts/latin", Landed: is(text("Caf\xe9", "2")), Back: is(text("caf\xe9", "1"))},
			{Path: "prompts/mode", Landed: is("mode 100755 2"), Back: is("1")},
			{Path: "prompts/same", Landed: is("2\n"), Back: is("1\n"), Wrong: rules.WrongConflict, Conflict: clash},
			{Path: "prompts/twice", Landed: is("2"), Back: is("1")},
		},
	} {
		got := f.read(wayBack(to)).Change.Target
		if d := cmp.Diff(want, got.Files); d != "" || got.Unknown != "" {
			t.Errorf("%s: unknown %q, files (-want +got):\n%s", to, got.Unknown, d)
		}
	}
}

// TestLocalErrorsNameTheCommand: of a clone that lacks what every reading needs.
func TestLocalErrorsNameTheCommand(t *testing.T) {
	t.Parallel()
	f := newFixture(t, false)
	main := f.commitTree(plumbing.NewHash(strings.Repeat("12", 20)), "its tree is not here")
	f.ref("refs/heads/main", main)
	f.ref("refs/heads/feature", f.commit(files{"a": "1"}, main))
	f.write(".git/config", "[core]\n\tbare = false\n[remote \"origin\"]\n\tpromisor = true\n")
	_, err := Local(t.Context(), LocalOptions{Repo: f.dir, Base: "main", Head: "feature"})
	if err == nil || !strings.HasSuffix(err.Error(), "the clone is partial; run `git fetch --refetch --no-filter`") {
		t.Errorf("%v", err)
	}
}
