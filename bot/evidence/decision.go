package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"changegate/rules"
)

// How many bytes of a leaf each list may take. What does not fit is counted, and
// stands whole in the side data.
const (
	subjectBudget     = 14 << 10
	findingBudget     = 8 << 10
	contributorBudget = 2 << 10
	approverBudget    = 4 << 10
	maxText           = 256
)

// Decided is a decision as it was made: what was known, by which policy, when.
type Decided struct {
	Key     string
	Host    string // github.com or the Enterprise Server's name
	Change  *rules.Change
	Policy  []byte // the file the verdict was reached with
	Source  rules.PolicyText
	Verdict rules.Verdict
	At      time.Time
	Trigger string // the event or timer that asked
	Engine  string // version of the rules
	// Contents are governed files at the head, by path, where they were read. The
	// record then carries their SHA-256, which cosign can check a file against.
	Contents map[string][]byte
}

// side is the side data of a decision: everything that Reperform needs.
type side struct {
	At     time.Time     `json:"at"`
	Change *rules.Change `json:"change"`
	Policy []byte        `json:"policy"`
}

// Decision makes the record of a decision. It fails when the facts cannot be
// written without loss: a decision nobody can repeat is not evidence.
func Decision(d Decided) (Record, error) {
	facts, err := canonical(side{d.At.UTC(), d.Change, d.Policy})
	if err != nil {
		return Record{}, fmt.Errorf("write facts of %s#%d: %w", d.Change.Repo, d.Change.Number, err)
	}
	d.Verdict.Policy = d.Source.Commit + ":" + d.Source.Path
	digest, err := VerdictDigest(d.Verdict)
	if err != nil {
		return Record{}, fmt.Errorf("digest verdict of %s#%d: %w", d.Change.Repo, d.Change.Number, err)
	}
	c := d.Change
	p := &PolicyEvaluated{
		Repo: Repo{c.RepoID, c.Repo}, Number: c.Number, Base: c.Base, Tip: c.Head,
		Policy:    PolicyRef{d.Source.Path, d.Source.Commit, d.Source.Blob, hexSHA256(d.Policy)},
		Verdict:   summarize(d.Verdict, digest),
		People:    people(c, d.Policy, d.Verdict),
		DecidedAt: d.At.UTC(), Trigger: clip(d.Trigger), Engine: clip(d.Engine),
		Governed: len(d.Verdict.Governed), Exceptions: restsOn(c, d.Verdict, d.At),
	}
	if c.Floor != nil {
		p.Floor = &PolicyRef{c.Floor.Path, c.Floor.Commit, c.Floor.Blob, hexSHA256(c.Floor.Data)}
	}
	p.declared(c, d.Policy)
	subject := []Subject{commitSubject(d.Host, c.Repo, "refs/heads/"+c.Head.Branch, c.Head.Commit)}
	files := governedFiles(c, d.Verdict, d.Contents)
	listed := within(files, subjectBudget)
	p.Listed = len(listed)
	return Record{Key: d.Key, Subject: append(subject, listed...), Predicate: p, Side: facts}, nil
}

// declared takes over what the change request says. A request that cannot be
// read declares nothing: the verdict says so.
func (p *PolicyEvaluated) declared(c *rules.Change, policy []byte) {
	loc := time.UTC
	if pol, problems := rules.ParsePolicy(policy); len(problems) == 0 && pol.Zone != nil {
		loc = pol.Zone
	}
	q, problems := rules.ReadRequest(c.Requests, loc)
	if q == nil || len(problems) > 0 {
		return
	}
	p.Request = q.Digest()
	if !q.EffectiveAt.IsZero() {
		p.EffectiveAt = q.EffectiveAt.UTC()
	}
	if q.Rollback != nil {
		p.Rollback = clip(q.Rollback.To)
	}
}

// restsOn lists the exceptions that cover the head and that the verdict made use of.
// Of two that would each have done, both are listed: both have to be reviewed.
func restsOn(c *rules.Change, v rules.Verdict, at time.Time) []int {
	var out []int
	for _, x := range c.Exceptions {
		thaws := func(f rules.Finding) bool {
			return f.State == rules.Waived && f.Rule == rules.RuleFreezeWindow && slices.Contains(x.Freezes, f.Short)
		}
		used := x.Kind == rules.KindBreakGlass && v.Would == rules.BreakGlass || x.Kind == rules.KindWaiver && slices.ContainsFunc(v.Findings, thaws)
		if used && x.Head == c.Head.Commit && !at.Before(x.At) && at.Before(x.Expires) {
			out = append(out, x.Number)
		}
	}
	return out
}

func summarize(v rules.Verdict, digest string) Verdict {
	all := make([]Finding, 0, len(v.Findings))
	for _, f := range v.Findings {
		all = append(all, Finding{f.Group, f.Rule, f.State, f.Code})
	}
	kept := within(all, findingBudget)
	return Verdict{State: v.State, Would: v.Would, Title: clip(v.Title), Findings: kept, Omitted: len(all) - len(kept), Digest: digest}
}

// people lists who contributed as the policy sees it: it says which merges of the
// base branch made nobody a contributor.
func people(c *rules.Change, policy []byte, v rules.Verdict) People {
	contributors := rules.Contributors(c)
	if pol, problems := rules.Load(policy, c.Floor); len(problems) == 0 {
		contributors = pol.Contributors(c)
	}
	var approvers []Approver
	for _, a := range v.Approvals {
		approvers = append(approvers, Approver{a.By, a.Group, a.Commit, a.At.UTC()})
	}
	p := People{Author: c.Author, Contributors: within(contributors, contributorBudget), Approvers: within(approvers, approverBudget)}
	p.Omitted = len(contributors) - len(p.Contributors) + len(approvers) - len(p.Approvers)
	return p
}

// governedFiles lists the governed files that exist at the head. A deleted file
// has no content to name; it counts in Governed and stands in the side data.
func governedFiles(c *rules.Change, v rules.Verdict, contents map[string][]byte) []Subject {
	blobs := map[string]string{}
	for _, f := range c.Files {
		blobs[f.Path] = f.New
	}
	var out []Subject
	for _, g := range v.Governed {
		if blobs[g.Path] == "" {
			continue
		}
		f := GovernedFile{Path: g.Path, Blob: blobs[g.Path]}
		if data, ok := contents[g.Path]; ok {
			f.SHA256 = hexSHA256(data)
		}
		out = append(out, f.subject())
	}
	return out
}

// within keeps the leading items whose JSON fits the budget, never nil.
func within[T any](items []T, budget int) []T {
	used := 0
	for i, x := range items {
		data, err := json.Marshal(x)
		if used += len(data) + 1; err != nil || used > budget {
			return slices.Clone(items[:i:i])
		}
	}
	return append([]T{}, items...)
}

// clip cuts text from outside after maxText bytes, between characters.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	cut := maxText
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// Facts returns the change that a recorded decision rests on.
func (s Stored) Facts() (*rules.Change, error) {
	var f side
	if err := strict(s.Side, &f); err != nil {
		return nil, fmt.Errorf("read facts of record %d: %w", s.Index, err)
	}
	if f.Change == nil {
		return nil, fmt.Errorf("read facts of record %d: no change in them", s.Index)
	}
	return f.Change, nil
}

// A Judge decides as rules.Evaluate does.
type Judge func(policy []byte, c *rules.Change, now time.Time) rules.Verdict

// Reperform decides again on the facts of a recorded decision and compares what
// was decided and everything else the record says. It returns the title that the
// change would have today: the recorded one is what people were shown, in the words
// and with the local times of the program that decided, and proves nothing.
func Reperform(judge Judge, facts []byte, p *PolicyEvaluated) (title string, err error) {
	var s side
	if err := strict(facts, &s); err != nil {
		return "", fmt.Errorf("read facts: %w", err)
	}
	if s.Change == nil {
		return "", errors.New("read facts: no change in them")
	}
	again, err := Decision(Decided{
		Change: s.Change, Policy: s.Policy, Verdict: judge(s.Policy, s.Change, s.At), At: s.At, Trigger: p.Trigger, Engine: p.Engine,
		Source: rules.PolicyText{Path: p.Policy.Path, Commit: p.Policy.Commit, Blob: p.Policy.Blob},
	})
	if err != nil {
		return "", err
	}
	q := again.Predicate.(*PolicyEvaluated)
	if q.Verdict.State != p.Verdict.State || q.Verdict.Digest != p.Verdict.Digest {
		return "", fmt.Errorf("recorded as %.40q with verdict %.64s; decided again it is %q with verdict %s",
			p.Verdict.State, p.Verdict.Digest, q.Verdict.State, q.Verdict.Digest)
	}
	title, q.Verdict.Title = q.Verdict.Title, p.Verdict.Title
	// Which files are listed depends on contents that are not among the facts.
	q.Header, q.Listed = p.Header, p.Listed
	was, err := canonical(p)
	if err != nil {
		return "", err
	}
	if is, err := canonical(q); err != nil || !bytes.Equal(was, is) {
		return "", errors.New("the record does not say what its facts give" + firstDifference(was, is))
	}
	return title, nil
}

// Outlived says why a change was held back at an instant after the decision with these
// facts had let it pass; empty when it was not. A freeze begins and a broken glass closes
// by the clock: where no server runs, the check on GitHub stays as it was, and so does
// the newest decision.
func Outlived(judge Judge, facts []byte, at time.Time) (string, error) {
	var s side
	if err := strict(facts, &s); err != nil || s.Change == nil {
		return "", errors.Join(errors.New("read facts"), err)
	}
	since := judge(s.Policy, s.Change, s.At).Next
	if since.IsZero() || at.Before(since) {
		return "", nil
	}
	v := judge(s.Policy, s.Change, at)
	state := enforced(v.State, v.Would)
	if passing(state) {
		return "", nil
	}
	return fmt.Sprintf("merged while %s: what had been decided held until %s", state, stamp(since)), nil
}

// firstDifference shows where two canonical JSON texts part.
func firstDifference(was, is []byte) string {
	i := 0
	for i < len(was) && i < len(is) && was[i] == is[i] {
		i++
	}
	show := func(b []byte) []byte { return b[min(max(0, i-20), len(b)):min(len(b), i+40)] }
	return fmt.Sprintf(": recorded %q, expected %q", show(was), show(is))
}
