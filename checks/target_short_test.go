package checks

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// twins finds two ids that begin with the same seven digits.
func twins(t *testing.T, next func(i int) string) (first, second int) {
	t.Helper()
	seen := map[string]int{}
	for i := range 200_000 {
		short := next(i)[:7]
		if had, ok := seen[short]; ok {
			return had, i
		}
		seen[short] = i
	}
	t.Fatal("no two ids of 200,000 begin with the same seven digits")
	return 0, 0
}

// TestShortIDOfTwoCommits: what two commits begin with names neither, whichever is meant;
// one digit more names one. GitHub says of such an id only that there is no such thing.
func TestShortIDOfTwoCommits(t *testing.T) {
	t.Parallel()
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		s := tell(t, "maintain")
		how := githubtest.Commit{Message: "MESSAGE", Time: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
		s.repo.Push("lead1", "raw", nil, how)
		raw := ""
		s.repo.Export(func(kind string, data []byte) {
			if kind == "commit" && strings.HasSuffix(string(data), how.Message) {
				raw = strings.TrimSuffix(string(data), how.Message)
			}
		}, func(string, string) {})
		i, j := twins(t, func(i int) string {
			return plumbing.ComputeHash(plumbing.CommitObject, []byte(raw+fmt.Sprint(i))).String()
		})
		how.Message = fmt.Sprint(i)
		one := s.repo.Push("lead1", "one", nil, how)
		short := one[:7]
		p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{refund: "Be brief.\n"}, Body: restoring(short)})
		c := s.client(t, http.DefaultTransport)
		had := kept{}
		c.Cache = had
		reads := func() *rules.Target {
			g, err := c.Gather(t.Context(), s.wake(p), Known{})
			must(t, err)
			return g.Change.Target
		}
		if got := reads(); got.Commit != one {
			t.Errorf("%s is %+v", short, got)
		}
		how.Message = fmt.Sprint(j)
		other := s.repo.Push("lead1", "other", nil, how)
		s.repo.Merge("lead1", "main", "one")
		s.repo.Merge("lead1", "main", "other")
		// What was kept of it is for a day.
		today := fmt.Sprintf("revision/%d/%s/%s", s.repo.ID(), short, c.Now().UTC().Format(time.DateOnly))
		if string(had[today]) != one {
			t.Fatalf("nothing is kept of %s", today)
		}
		had[today[:len(today)-len(time.DateOnly)]+"2026-01-01"] = had[today]
		delete(had, today)
		if got := reads(); short != other[:7] || got.Commit != "" || got.InBase || got.Files != nil {
			t.Errorf("%s is %+v", short, got)
		}
		p.Edit("dev1", restoring(other[:12]))
		if got := s.reads(t, p).Target; got.Commit != other || !got.InBase || len(got.Files) != 1 {
			t.Errorf("%s is %+v", other[:12], got)
		}
	})
	t.Run("clone", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, false)
		first := f.commit(enrolled(files{"prompts/a": "1"}))
		tree := f.tree(enrolled(files{"prompts/a": "2"}))
		made := func(i int) *object.Commit {
			who := object.Signature{Name: "Dev", Email: "dev@example.com", When: f.clock}
			return &object.Commit{Author: who, Committer: who, Message: fmt.Sprint(i), TreeHash: tree, ParentHashes: []plumbing.Hash{first}}
		}
		i, j := twins(t, func(i int) string {
			o := &plumbing.MemoryObject{}
			o.SetType(plumbing.CommitObject)
			must(t, made(i).Encode(o))
			return o.Hash().String()
		})
		one, other := f.object(plumbing.CommitObject, made(i).Encode), f.object(plumbing.CommitObject, made(j).Encode)
		main := f.commitTree(tree, "both", one, other)
		f.ref("refs/heads/main", main)
		f.ref("refs/heads/feature", f.commit(enrolled(files{"prompts/a": "3"}), main))
		short := one.String()[:7]
		for to, want := range map[string]rules.Target{
			short:                         {Ambiguous: true},
			"prompts@" + short:            {Ambiguous: true},
			one.String()[:12]:             {Form: rules.FormCommit, Commit: one.String(), InBase: true},
			other.String()[:12]:           {Form: rules.FormCommit, Commit: other.String(), InBase: true},
			"prompts/a@" + other.String(): {Form: rules.FormPath, Commit: other.String(), InBase: true},
		} {
			got := f.read(wayBack(to)).Change.Target
			if got.Ambiguous != want.Ambiguous || got.Form != want.Form || got.Commit != want.Commit || got.InBase != want.InBase || (len(got.Files) == 1) != want.InBase || got.Unknown != "" {
				t.Errorf("%s is %+v, want %+v", to, got, want)
			}
		}
	})
}
