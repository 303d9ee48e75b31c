package rules

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// decide draws a policy and a change and judges one by the other.
func decide(t *rapid.T) (*Policy, *Change, Verdict) {
	p, problems := ParsePolicy([]byte(drawPolicy(t)))
	if problems != nil {
		t.Fatal(problems)
	}
	c := drawChange(t)
	return p, c, p.Decide(c, noon)
}

// equal compares everything a verdict says but when to look again, which a
// change of nothing else may move.
func equal(t *rapid.T, what string, got, want Verdict) {
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s changes the verdict:\n%s", what, d)
	}
}

func green(v Verdict) bool { return !v.State.Blocks() }

// The draws below are worth something only if they meet every state.
func TestDrawsReachEveryState(t *testing.T) {
	t.Parallel()
	seen, timed := map[State]int{}, 0
	draw := rapid.Custom(func(t *rapid.T) Verdict {
		_, _, v := decide(t)
		return v
	})
	for seed := range 1000 {
		v := draw.Example(seed)
		seen[v.State]++
		if !v.Next.IsZero() {
			timed++
		}
	}
	for _, s := range []State{Nothing, Ready, BreakGlass, Scheduled, Frozen, Waiting, Author, Failure} {
		if seen[s] < 10 || timed < 100 {
			t.Errorf("%s is met %d times of 1000, a time to look again %d times", s, seen[s], timed)
		}
	}
}

func TestDecideIsPure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, v := decide(t)
		before, _ := json.Marshal(c)
		equal(t, "deciding again", p.Decide(c, noon), v)
		if after, _ := json.Marshal(c); string(after) != string(before) {
			t.Fatal("deciding changes the facts")
		}
		var read Change
		if err := json.Unmarshal(before, &read); err != nil {
			t.Fatal(err)
		}
		equal(t, "performing it again from its record", p.Decide(&read, noon.In(berlin)), v)
		if _, err := json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, v := decide(t)
		rnd := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		shuffle(rnd, c.Reviews)
		shuffle(rnd, c.Commits)
		shuffle(rnd, c.Files)
		shuffle(rnd, c.Revisions)
		shuffle(rnd, c.Requests)
		shuffle(rnd, c.Holds)
		shuffle(rnd, c.Exceptions)
		for i := range c.Reviews {
			shuffle(rnd, c.Reviews[i].Teams)
		}
		for i := range c.Revisions {
			c.Revisions[i].Files = slices.Clone(c.Revisions[i].Files)
			shuffle(rnd, c.Revisions[i].Files)
		}
		equal(t, "another order", p.Decide(c, noon), v)

		for i := range p.judged {
			p.judged[i].Approvals = slices.Clone(p.judged[i].Approvals)
			shuffle(rnd, p.judged[i].Approvals)
		}
		got := p.Decide(c, noon)
		if got.State != v.State || !got.Next.Equal(v.Next) || cmp.Diff(got.Approvals, v.Approvals) != "" || cmp.Diff(codesOf(got), codesOf(v)) != "" {
			t.Fatalf("another order of entries: %s, not %s\n%s", got.Title, v.Title, sayings(got))
		}
	})
}

func shuffle[T any](rnd *rand.Rand, s []T) {
	rnd.Shuffle(len(s), func(i, k int) { s[i], s[k] = s[k], s[i] })
}

// Nothing that takes trust away makes a change pass.
func TestNeverGreener(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, v := decide(t)
		worse := func(what string, change func(*Change)) {
			d := *c
			change(&d)
			if got := p.Decide(&d, noon); green(got) && !green(v) {
				t.Fatalf("%s turns %q into %q", what, v.Title, got.Title)
			}
		}
		who := pick(t, "who", people...)
		worse("another contributor", func(c *Change) {
			c.Commits = append(slices.Clone(c.Commits), Commit{ID: "new", Author: who, Committer: who})
		})
		worse("a commit nobody can name", func(c *Change) { c.Commits = append(slices.Clone(c.Commits), Commit{ID: "new"}) })
		worse("a gap", func(c *Change) { c.Gaps = []Gap{{"files", "not all"}} })
		worse("another team that does not exist", func(c *Change) { c.Unknown = []string{"@acme/none"} })
		for i := range c.Reviews {
			if c.Reviews[i].State == approved {
				worse("dismissing an approval", func(c *Change) {
					c.Reviews = slices.Clone(c.Reviews)
					c.Reviews[i].State = dismissed
				})
				worse("losing every role", func(c *Change) {
					c.Reviews = slices.Clone(c.Reviews)
					c.Reviews[i].Permission, c.Reviews[i].Teams = "none", nil
				})
			}
		}
		for i := range c.Files {
			worse("other content", func(c *Change) {
				c.Head.Commit = strings.Repeat("d", 40)
				c.Files = slices.Clone(c.Files)
				c.Files[i].New = "never reviewed"
			})
		}
		worse("a hold", func(c *Change) { c.Holds = append(slices.Clone(c.Holds), Hold{By: who, As: "write"}) })
		for i := range c.Exceptions {
			if x := &c.Exceptions[i]; x.Closed != nil || noon.Before(x.Due) { // an overdue one holds the change back
				worse("an exception less", func(c *Change) { c.Exceptions = slices.Delete(slices.Clone(c.Exceptions), i, i+1) })
			}
			worse("an exception for another commit", func(c *Change) {
				c.Exceptions = slices.Clone(c.Exceptions)
				c.Exceptions[i].Head = "0123456"
			})
		}
		worse("a retarget", func(c *Change) { c.Retargeted = noon.Add(1000 * time.Hour) })
	})
}

// The other way round: content nobody reviewed is never green while a group asks
// for an approval, which every group does.
func TestUnreviewedIsNeverGreen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, _ := decide(t)
		c.Head.Commit = strings.Repeat("d", 40)
		c.Files = append(c.Files, File{Path: "prompts/new.md", Status: "added", New: "never reviewed"}, File{Path: "tools/new.md", Status: "added", New: "never reviewed"})
		if v := p.Decide(c, noon); green(v) && v.State != Nothing {
			t.Fatal(v.Title)
		}
	})
}

func TestCaseDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, v := decide(t)
		upper := func(who *Person) { who.Login = strings.ToUpper(who.Login) }
		for i := range c.Reviews {
			upper(&c.Reviews[i].By)
			for k := range c.Reviews[i].Teams {
				c.Reviews[i].Teams[k] = strings.ToUpper(c.Reviews[i].Teams[k])
			}
		}
		upper(&c.Author)
		got := p.Decide(c, noon)
		if got.State != v.State || cmp.Diff(codesOf(got), codesOf(v)) != "" {
			t.Fatalf("the case of names turns %q into %q", v.Title, got.Title)
		}
	})
}

// Until Next the verdict stays what it is: brute force over every quarter of an
// hour, which all instants of the draw are.
func TestNext(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, v := decide(t)
		end := noon.Add(36 * time.Hour)
		if !v.Next.IsZero() && !v.Next.After(noon) {
			t.Fatalf("next is %v, at %v", v.Next, noon)
		}
		for now := noon; now.Before(end); now = now.Add(15 * time.Minute) {
			got := p.Decide(c, now)
			if !v.Next.IsZero() && !now.Before(v.Next) {
				v = got // at Next it may be another; from there on it counts anew
				continue
			}
			equal(t, fmt.Sprintf("the time alone, at %v before %v,", now, v.Next), got, v)
		}
	})
}

// Matching equals trying every assignment.
func TestMatching(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		teams := []string{"@acme/a", "@acme/b", "@acme/c"}
		as := some(t, "entries", 3, func(int) entry {
			return entry{Approval: Approval{Count: rapid.IntRange(1, 2).Draw(t, "count"), From: rapid.SliceOfNDistinct(rapid.SampledFrom(teams), 1, 2, rapid.ID).Draw(t, "from")}}
		})
		voters := some(t, "voters", 5, func(i int) *Review {
			return &Review{By: Person{ID: int64(i + 1)}, At: noon.Add(time.Duration(i) * time.Minute), Teams: rapid.SliceOfNDistinct(rapid.SampledFrom(teams), 0, 2, rapid.ID).Draw(t, "teams")}
		})
		got := match(as, voters)
		if want := brute(as, voters); got.have != want {
			t.Fatalf("%d filled, %d possible", got.have, want)
		}
		full := got.have == seats(as)
		if got.at.IsZero() != (!full || len(as) == 0) || full != (len(got.open) == 0) {
			t.Fatalf("full is %v: at %v, open %v", full, got.at, got.open)
		}
		if !got.at.IsZero() { // the first instant at which it was full
			n := int(got.at.Sub(noon)/time.Minute) + 1
			if brute(as, voters[:n]) != seats(as) || brute(as, voters[:n-1]) == seats(as) {
				t.Fatalf("full at %v", got.at)
			}
		}
		for _, name := range teams { // who is asked can help, who is not cannot
			one := &Review{By: Person{ID: 99}, Teams: []string{name}}
			helps := match(as, append(slices.Clone(voters), one)).have > got.have
			if asked := slices.Contains(sourcesOf(got.open), name); asked != helps {
				t.Fatalf("%s is asked %v and helps %v", name, asked, helps)
			}
		}
	})
}

func seats(as []entry) int {
	n := 0
	for _, a := range as {
		n += a.Count
	}
	return n
}

// brute fills the entries one by one with every possible voter.
func brute(as []entry, voters []*Review) int {
	if len(as) == 0 {
		return 0
	}
	rest := slices.Clone(as)
	if rest[0].Count--; rest[0].Count == 0 {
		rest = rest[1:]
	}
	best := brute(rest, voters) // leave this seat empty
	for i, w := range voters {
		if as[0].names(w) {
			best = max(best, 1+brute(rest, slices.Delete(slices.Clone(voters), i, i+1)))
		}
	}
	return best
}
