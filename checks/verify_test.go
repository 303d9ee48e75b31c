package checks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// TestAt: what a commit has at paths is proven by its tree, or an error.
func TestAt(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	tip := s.repo.Push("lead1", "main", githubtest.Files{"prompts/a/b.md": "b\n", "prompts/run": "r\n"}, githubtest.Commit{Modes: map[string]string{"prompts/run": "100755"}})
	here := s.place()
	paths := []string{"prompts/a/b.md", "prompts/a", "prompts/run", "prompts/none", "none/x.md", "README.md"}
	got, err := s.client(t, http.DefaultTransport).At(t.Context(), here, tip, paths)
	want := map[string]rules.Entry{"prompts/a/b.md": textFile("b\n"), "prompts/run": {Blob: textFile("r\n").Blob, Mode: "100755"}, "README.md": textFile("x\n")}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if _, err := s.client(t, http.DefaultTransport).At(t.Context(), here, strings.Repeat("0", 40), paths); !errors.Is(err, ErrGone) {
		t.Errorf("of no commit: %v", err)
	}
	holed := &tampering{next: http.DefaultTransport, answer: 1, change: func(v any) any {
		return replaced(v, []any{"data", "repository", "folder3", "entries", 0}, missing{})
	}}
	if got, err := s.client(t, holed).At(t.Context(), here, tip, paths); err == nil {
		t.Errorf("of a list with a hole: %v", got)
	}
}

// TestVerifyAfterTheMerge: a recorded plan is worked out again against what is on the
// branch by now.
func TestVerifyAfterTheMerge(t *testing.T) {
	t.Parallel()
	const was, with = "1\n2\n3\n4\n5\n6\n7\n", "one\n2\n3\n4\n5\n6\n7\n"
	file := func(text string) rules.Entry { return textFile(text) }
	for name, tt := range map[string]struct {
		form   string
		now    string // what is on the branch by now; empty for no file
		back   string
		wrong  string
		moved  string // where the tag points by now
		forced bool   // the branch is pushed over, without the target
		want   rules.Target
	}{
		"revert, nothing since":       {"revert", with, was, "", "", false, rules.Target{InBase: true}},
		"revert, another part":        {"revert", with + "8\n", was + "8\n", "", "", false, rules.Target{InBase: true}},
		"revert, the same lines":      {"revert", "uno\n2\n3\n4\n5\n6\n7\n", "", rules.WrongConflict, "", false, rules.Target{InBase: true}},
		"revert, deleted since":       {"revert", "", "", rules.WrongConflict, "", false, rules.Target{InBase: true}},
		"tag, nothing since":          {"tag", with, was, "", "v1", false, rules.Target{InBase: true}},
		"tag, changed since":          {"tag", "uno\n", was, "", "v1", false, rules.Target{InBase: true}},
		"tag, moved":                  {"tag", with, was, "", "main", false, rules.Target{InBase: true}},
		"tag, deleted":                {"tag", with, was, "", "", false, rules.Target{InBase: true}},
		"commit":                      {"commit", with, was, "", "", false, rules.Target{InBase: true}},
		"commit, pushed over":         {"commit", with, was, "", "", true, rules.Target{}},
		"revert, pushed over but one": {"revert", with, was, "", "", true, rules.Target{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, "maintain")
			root := s.repo.Head("main")
			target := s.repo.Push("lead1", "main", githubtest.Files{refund: was})
			merge := s.repo.Push("lead1", "main", githubtest.Files{refund: with})
			files, how := githubtest.Files{refund: tt.now}, githubtest.Commit{}
			if tt.now == "" {
				files, how.Remove = nil, []string{refund}
			}
			tip := s.repo.Push("lead1", "main", files, how)
			if tt.forced {
				tip = s.repo.ForcePush("lead1", "main", root, files, how)
			}
			switch tt.moved {
			case "v1":
				s.repo.Tag("v1", target)
			case "main":
				s.repo.Tag("v1", merge)
			}
			to := map[string]string{"revert": "revert", "tag": "v1", "commit": target[:9]}[tt.form]
			plan := rules.Plan{To: to, Form: tt.form, Commit: target, Merge: merge, Files: []rules.Restored{{Path: refund, Landed: file(with), Back: file(was)}}}
			got, err := s.client(t, http.DefaultTransport).verifyNow(t.Context(), s.place(), plan, tip)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			want.To, want.Form, want.Commit = to, tt.form, target
			want.Files = []rules.Restored{{Path: refund, Wrong: tt.wrong}}
			if tt.now != "" {
				want.Files[0].Landed = file(tt.now)
			}
			if tt.back != "" {
				want.Files[0].Back = file(tt.back)
			}
			if strings.HasSuffix(tt.back, "8\n") {
				want.Files[0].Data = []byte(tt.back)
			}
			if c := got.Files[0].Conflict; (c != nil) != (tt.wrong != "" && tt.now != "") {
				t.Errorf("conflict %+v", c)
			}
			got.Files[0].Conflict = nil
			if d := cmp.Diff(&want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestSuggested: the last version that was released through the gate is worked out where
// no plan is declared or the one declared does not hold, and not otherwise.
func TestSuggested(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	s.repo.Push("lead1", "main", githubtest.Files{PolicyPath: strings.Replace(fmt.Sprintf(storyPolicy, "maintain"), "rollback: optional", "rollback: required", 1)})
	released := s.repo.Push("lead1", "main", githubtest.Files{refund: "Be firm.\n"})
	s.repo.Push("lead1", "main", githubtest.Files{refund: "Be rash.\n"})
	p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{refund: "Be brief.\n"}})
	want := &rules.Target{To: released, Form: "commit", Commit: released, InBase: true,
		Files: []rules.Restored{{Path: refund, Landed: textFile("Be brief.\n"), Back: textFile("Be firm.\n")}}}
	for body, suggested := range map[string]bool{
		"":                   true,
		restoring("none"):    true,
		restoring("revert"):  false,
		restoring(released):  false,
		restoring(p.Head()):  true,
		restoring("deadbee"): true,
	} {
		p.Edit("dev1", body)
		g, err := s.client(t, http.DefaultTransport).Gather(t.Context(), s.wake(p), Known{Released: func(context.Context, string, []string) (string, error) { return released, nil }})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, g.Change.Suggested); suggested && d != "" || !suggested && g.Change.Suggested != nil {
			t.Errorf("%q: %+v, %s", body, g.Change.Suggested, d)
		}
	}
}

// TestVerifyWhatIsInTheWay: where a folder is now, or a file where the folder was, a file
// that comes back would take it away. One that is deleted again takes nothing.
func TestVerifyWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	const refund = "prompts/support/refund.md"
	for name, tt := range map[string]struct {
		files githubtest.Files
		want  string
	}{
		"a folder of its name":       {githubtest.Files{refund + "/a.md": "x\n"}, rules.WrongInTheWay},
		"a file for its folder":      {githubtest.Files{"prompts/support": "x\n"}, rules.WrongInTheWay},
		"a file for the one above":   {githubtest.Files{"prompts": "x\n"}, rules.WrongInTheWay},
		"another file in its folder": {githubtest.Files{"prompts/support/a.md": "x\n"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, "maintain")
			target := s.repo.Push("lead1", "main", githubtest.Files{refund: "1\n"})
			merge := s.repo.Push("lead1", "main", githubtest.Files{refund: "2\n"})
			gone := []string{refund, "prompts/refund.md"}
			tip := s.repo.Push("lead1", "main", tt.files, githubtest.Commit{Remove: gone})
			plan := rules.Plan{To: target, Form: "commit", Commit: target, Merge: merge, Files: []rules.Restored{{Path: refund, Landed: textFile("2\n"), Back: textFile("1\n")}}}
			got, err := s.client(t, http.DefaultTransport).verifyNow(t.Context(), s.place(), plan, tip)
			if err != nil || got.Files[0].Wrong != tt.want {
				t.Errorf("%+v, %v, want %q", got, err, tt.want)
			}
		})
	}
}
