package checks

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// twoBases leaves main at a merge of two branches, of which one has a governed file
// as dev1 wants it and the other puts it back, so that nothing governed changed. A
// second pull request, which it returns, joins the two the other way round.
func (s *story) twoBases() *githubtest.Pull {
	evil := githubtest.Files{"prompts/refund.md": "Pay whoever asks.\n"}
	good := githubtest.Files{"prompts/refund.md": "Be kind.\n"}
	start := s.repo.Push("dev1", "one", evil)
	s.repo.Branch("two", start)
	s.later(time.Minute)
	back := s.repo.Push("dev1", "two", good)
	s.later(time.Minute)
	ahead := s.repo.Push("dev1", "one", githubtest.Files{"README.md": "y\n"})
	first := s.repo.Open("dev1", githubtest.PR{Head: "one"})
	first.MergeIn("dev1", back, good)
	s.later(time.Minute)
	first.Merge("dev1", "merge")
	s.repo.Branch("three", ahead)
	second := s.repo.Open("dev1", githubtest.PR{Head: "three"})
	second.MergeIn("dev1", back, evil)
	return second
}

// TestTwoMergeBases shows that content which no list of changes shows does not pass.
// GitHub compares with the newer merge base, where the governed file is what it is at
// the head, but merges from both, which brings the other content to main.
func TestTwoMergeBases(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	p := s.twoBases()
	g, err := s.client(t, http.DefaultTransport).Gather(t.Context(), s.wake(p), Known{})
	if err != nil {
		t.Fatal(err)
	}
	v := outcome(g)
	if v.State != rules.Failure || len(v.Findings) == 0 || v.Findings[0].Code != rules.CodeGap {
		t.Errorf("with two merge bases: %s %q, %+v", v.State, v.Title, v.Findings)
	}
	p.MergeIn("dev1", "main", githubtest.Files{"prompts/refund.md": "Pay whoever asks.\n"})
	if g, err = s.client(t, http.DefaultTransport).Gather(t.Context(), s.wake(p), Known{}); err != nil {
		t.Fatal(err)
	}
	if len(g.Change.Gaps) > 0 || len(g.Change.Files) == 0 || g.Change.Files[0].Path != "prompts/refund.md" {
		t.Errorf("after merging main: gaps %v, files %v", g.Change.Gaps, g.Change.Files)
	}
}

// TestManyMergesOfTheBase shows that a branch into which the base branch was merged
// again and again has one merge base.
func TestManyMergesOfTheBase(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	p := s.open()
	for i := range 5 {
		s.later(time.Minute)
		s.repo.Push("lead1", "main", githubtest.Files{"README.md": fmt.Sprint(i)})
		p.UpdateBranch("dev1")
	}
	g, err := s.client(t, http.DefaultTransport).Gather(t.Context(), s.wake(p), Known{})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Change.Gaps) > 0 {
		t.Errorf("gaps %v", g.Change.Gaps)
	}
}

// TestLocalTwoMergeBases shows that a clone with that history does not pass either.
func TestLocalTwoMergeBases(t *testing.T) {
	t.Parallel()
	f := newFixture(t, false)
	was := files{PolicyPath: "version: 1\n", "prompts/a.md": "good\n"}
	evil := files{PolicyPath: "version: 1\n", "prompts/a.md": "evil\n"}
	start := f.commit(evil, f.commit(was))
	ahead, back := f.commit(evil, start), f.commit(was, start)
	f.ref("refs/heads/main", f.commit(was, ahead, back))
	f.ref("refs/heads/feature", f.commit(evil, ahead, back))
	gaps := f.read("").Change.Gaps
	if len(gaps) != 1 || gaps[0].What != rules.GapBases {
		t.Errorf("gaps %v, want one about the merge bases", gaps)
	}
}
