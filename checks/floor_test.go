package checks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"changegate/checks/githubtest"
	"changegate/rules"
)

const floorText = "version: 1\nmode: enforce\ngoverned:\n  - {name: all, kind: other, paths: [\"prompts/**\"], approvals: [{count: 1, from: [maintain]}]}\n"

// TestFloorOutcomes: absent, read and unreadable are three things, and only a
// repository that says so makes an organisation's policy absent again.
func TestFloorOutcomes(t *testing.T) {
	t.Parallel()
	hide := func(s *story) { s.install = s.gh.Install("acme", "acme/agents") }
	for name, tt := range map[string]struct {
		floor   githubtest.Files // of acme/.github; nil for no such repository
		before  bool             // it was seen before
		then    func(*story)
		want    PolicyState
		why     string
		floored bool
	}{
		"no repository":           {nil, false, nil, PolicyAbsent, "", false},
		"no file":                 {githubtest.Files{"README.md": "x"}, false, nil, PolicyAbsent, "", false},
		"read":                    {githubtest.Files{PolicyPath: floorText}, false, nil, PolicyRead, "", true},
		"not shown, never seen":   {githubtest.Files{PolicyPath: floorText}, false, hide, PolicyAbsent, "", false},
		"not shown any more":      {githubtest.Files{PolicyPath: floorText}, true, hide, PolicyUnreadable, "acme/.github is not shown to the App any more: install the App on it", true},
		"no repository any more":  {nil, true, nil, PolicyUnreadable, "acme/.github is not shown to the App any more: install the App on it", true},
		"taken out of it":         {githubtest.Files{"README.md": "x"}, true, nil, PolicyAbsent, "", false},
		"a folder":                {githubtest.Files{PolicyPath + "/x": "x"}, false, nil, PolicyUnreadable, "it is no file", true},
		"binary":                  {githubtest.Files{PolicyPath: "\x00"}, false, nil, PolicyUnreadable, "it is not text", true},
		"too large":               {githubtest.Files{PolicyPath: strings.Repeat("#", rules.MaxPolicy+1)}, false, nil, PolicyUnreadable, fmt.Sprintf("it is %d bytes long, at most %d are read", rules.MaxPolicy+1, rules.MaxPolicy), true},
		"readable by everybody":   {githubtest.Files{PolicyPath: floorText}, false, func(s *story) { hide(s); s.floor.Public() }, PolicyRead, "", true},
		"read, though not UTF-8":  {githubtest.Files{PolicyPath: floorText + "# \xff\n"}, false, nil, PolicyRead, "", true},
		"does not load, but read": {githubtest.Files{PolicyPath: "version: 2\n"}, false, nil, PolicyRead, "", true},
	} {
		s := tell(t, "write")
		if tt.floor != nil {
			s.floor = s.gh.Repo("acme/.github", tt.floor)
		}
		if tt.then != nil {
			tt.then(s)
		}
		g, n := s.read(t, s.client(t, http.DefaultTransport), s.open(), Known{Floored: tt.before})
		why := ""
		for _, gap := range g.Change.Gaps {
			if gap.What == rules.GapFloor {
				why = gap.Says
			}
		}
		if g.Floor.State != tt.want || why != tt.why || g.Known.Floored != tt.floored || n != 0 {
			t.Errorf("%s: state %d, want %d; gap %q, want %q; floored %v, want %v; %d look-ups", name, g.Floor.State, tt.want, why, tt.why, g.Known.Floored, tt.floored, n)
		}
		if f := g.Change.Floor; (f != nil) != (tt.want == PolicyRead) || f != nil && (string(f.Data) != tt.floor[PolicyPath] || f.Commit == "" || f.Path != PolicyPath) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestFloorIsOfTheOwner: a user account has one as an organisation has, and the
// repository that keeps it has no other policy beside its own.
func TestFloorIsOfTheOwner(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]PolicyState{"dev1/agents": PolicyRead, "dev1/.github": PolicyAbsent} {
		s := tell(t, "write")
		files := githubtest.Files{PolicyPath: fmt.Sprintf(storyPolicy, "write"), "prompts/refund.md": "x\n"}
		for _, repo := range []string{"dev1/agents", "dev1/.github"} {
			if r := s.gh.Repo(repo, files); repo == name {
				s.repo = r
			}
		}
		s.install = s.gh.Install("dev1")
		g, _ := s.read(t, s.client(t, http.DefaultTransport), s.open(), Known{})
		if g.Floor.State != want || g.Policy.State != PolicyRead || len(g.Change.Gaps) > 0 {
			t.Errorf("%s: floor %d, want %d; policy %d, gaps %v", name, g.Floor.State, want, g.Policy.State, g.Change.Gaps)
		}
	}
}

// TestFloorAfterATransfer is that of the organisation the repository is in now: for
// a former name GitHub gives the repository as it is called today, but another floor.
func TestFloorAfterATransfer(t *testing.T) {
	t.Parallel()
	pull := strings.NewReplacer("%CHANGED%", "1", "%COMMITS%", "1", "%REVIEWS%", "1").Replace(pullAnswer)
	var asked []string
	w := &wire{do: func(_ int, q *http.Request, body string) (int, string) {
		if !strings.HasSuffix(q.URL.Path, "/graphql") {
			return 200, compareAnswer
		}
		var query struct{ Variables struct{ Owner, Name string } }
		if err := json.Unmarshal([]byte(body), &query); err != nil {
			return 400, "{}"
		}
		asked = append(asked, query.Variables.Owner+"/"+query.Variables.Name)
		return 200, pull
	}}
	former := here
	former.Repo = "former/bots"
	g, err := dialled(t, "https://github.com", w).Gather(t.Context(), Wake{Place: former, Number: 1, Base: "main"}, Known{})
	if err != nil || g.Place.Repo != "acme/agents" || !slices.Equal(asked, []string{"former/bots", "acme/agents"}) {
		t.Errorf("asked of %q: %+v, %v", asked, g, err)
	}
}

// TestFloorOnAnotherBranch: the organisation's policy is that of its repository's
// default branch, whatever stands on others; which one that is costs a call once.
func TestFloorOnAnotherBranch(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	s.floor = s.gh.Repo("acme/.github", githubtest.Files{"README.md": "no policy here\n"})
	s.floor.Push("dev1", "trunk", githubtest.Files{PolicyPath: floorText})
	s.floor.DefaultBranch("trunk")
	p, known := s.open(), Known{}
	for reading, want := range []int{1, 0} {
		s.gh.ResetCalls()
		g, err := s.client(t, http.DefaultTransport).Gather(t.Context(), s.wake(p), known)
		if err != nil {
			t.Fatal(err)
		}
		if f := g.Change.Floor; f == nil || string(f.Data) != floorText || f.Commit != s.floor.Head("trunk") {
			t.Errorf("reading %d: %+v", reading, f)
		}
		n := 0
		for _, call := range s.gh.Calls() {
			if call.Operation == "Policy" {
				n++
			}
		}
		if n != want {
			t.Errorf("reading %d asks for the branch %d times, want %d", reading, n, want)
		}
		known = g.Known
	}
}
