package rules

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// findAgents reads the manifests, where a group judges by them.
func (j *judgement) findAgents() {
	if slices.ContainsFunc(j.groups, func(g judged) bool { return g.Kind == kindVersion }) {
		j.changed = list(uncopied(j.c.Files))
		j.agents = agentFiles(j.changed, j.c.Manifests)
	}
}

// judgeVersions judges the versions of agents (CONTRACT §1, kind agent-version): what
// was released under a number stays as it is, numbers rise, and a new version names the
// one it replaces.
func judgeVersions(j *judgement, g *judged) {
	if g.Kind != kindVersion {
		return
	}
	if j.undoes != nil {
		// What was approved with the change that is undone comes back whole: it is no new
		// release, and the number is its own.
		j.met(g.Name, RuleAgentContent, "rollback of "+j.undoes.ID()+": its versions come back as they were")
		return
	}
	before := len(j.findings)
	var says []string
	touched, bare := j.touched(g)
	for _, t := range touched {
		says = append(says, j.version(g, t.agentFile, t.files))
	}
	if len(j.findings) > before {
		return
	}
	if len(bare) > 0 {
		says = append(says, "no manifest with a `version` covers "+and(few(quoted(bare))))
	}
	if len(says) == 0 {
		return // the group only governs what a file was copied from
	}
	j.met(g.Name, RuleAgentContent, strings.Join(few(says), "; "))
}

// A touch is an agent and the files of the change that its version covers.
type touch struct {
	*agentFile
	files []string
}

// touched are the agents of a group that the change touches, and the files that
// belong to none.
func (j *judgement) touched(g *judged) (all []touch, bare []string) {
	at := map[*agentFile]int{}
	for file := range j.changed.governedBy(g.Group) {
		over := covering(g.Group, file, j.agents, j.changed)
		if len(over) == 0 {
			bare = append(bare, file)
		}
		for _, a := range over {
			i, ok := at[a]
			if !ok {
				i, at[a] = len(all), len(all)
				all = append(all, touch{agentFile: a})
			}
			all[i].files = append(all[i].files, file)
		}
	}
	return all, bare
}

// version judges one agent of which the change touches some files. What it returns is
// said when nothing is wrong.
func (j *judgement) version(g *judged, a *agentFile, files []string) string {
	f := Finding{Group: g.Name, Rule: RuleAgentContent, State: Unmet, Path: a.Path, Line: a.head.line}
	here, base := code(a.Path), code(j.c.Base.Branch)
	switch {
	case a.changed && !a.head.there:
		return j.retired(g, f, a, files)
	case a.changed && a.head.vague:
		p := a.head.wrong[0]
		f.Code, f.Line = CodeManifest, max(p.Line, 1)
		f.Says = here + " cannot be read for the agent's version: " + place(p) + p.Says
		f.Fix = "in " + here + ", " + place(p) + p.Fix
	case a.changed && a.head.version == "":
		f.Code = CodeVersionGone
		f.Says = here + " has no `version` any more, and on " + base + " it is " + code(a.base.version)
		f.Fix = j.bump(a, a.next(), "")
	case a.head.version == a.base.version:
		f.Code = CodeVersionStays
		f.Says = "version " + code(a.base.version) + " of " + here + " is released, and the change would alter " + and(few(quoted(files))) + " under that number"
		f.Fix = j.bump(a, a.next(), " or higher")
	case a.head.at == nil:
		f.Code = CodeVersionForm
		f.Says = here + " has version " + code(a.head.version) + ", which is not MAJOR.MINOR.PATCH"
		f.Fix = j.bump(a, a.meant(), "")
	default:
		return j.promoted(f, a)
	}
	j.add(f)
	return ""
}

// retired lets an agent go when all of it goes.
func (j *judgement) retired(g *judged, f Finding, a *agentFile, files []string) string {
	var left []string
	for _, file := range files {
		if j.leaves(file) {
			left = append(left, code(file))
		}
	}
	dir, _ := path.Split(a.Path)
	for _, name := range a.Stay {
		at := dir + name
		if quoted := code(at); !slices.Contains(left, quoted) && (strings.HasSuffix(name, "/") || g.match.governs(fold(at))) {
			left = append(left, quoted)
		}
	}
	left = few(left)
	if len(left) == 0 {
		return code(a.Path) + " is deleted with what it covers"
	}
	f.Code, f.Line = CodeVersionGone, 1
	f.Says = code(a.Path) + ", which gives " + and(few(left)) + " its version, is deleted"
	f.Fix = "keep the manifest and raise its version, or delete those files with it"
	j.add(f)
	return ""
}

// leaves reports whether a path of the change is still there with it.
func (j *judgement) leaves(path string) bool {
	return slices.ContainsFunc(j.files, func(f listed) bool { return f.Path == path && f.Status != "deleted" })
}

// promoted judges a version that is another than on the base branch.
func (j *judgement) promoted(f Finding, a *agentFile) string {
	here, now, base := code(a.Path), code(a.head.version), code(j.c.Base.Branch)
	top, by := a.highest()
	used := slices.IndexFunc(a.Released, func(r Release) bool { return r.Version == a.head.version })
	switch {
	case used >= 0:
		f.Code = CodeVersionUsed
		f.Says = "version " + now + " of " + here + " was released before, by commit " + code(short(a.Released[used].by()))
		f.Fix = j.rise(a)
	case top != nil && !a.head.at.GreaterThan(top):
		f.Code = CodeVersionFalls
		f.Says = "version " + now + " of " + here + " is not above " + code(top.Original()) + ", which was released" + by
		f.Fix = j.rise(a)
	default:
		if f.Says, f.Fix = j.replaces(a); f.Says == "" {
			return a.rose(base)
		}
		f.Code = CodeReplaces
	}
	j.add(f)
	return ""
}

// bump says which version to write and, where it would be asked for next, what that one
// replaces.
func (j *judgement) bump(a *agentFile, version, more string) string {
	s := "write " + a.line("version", version) + more
	if says, _ := j.replaces(a); says != "" && a.base.version != "" {
		s += " and " + a.line("replaces", a.base.version)
	}
	return s + " in " + code(a.Path)
}

// line is a key as it is written in the manifest.
func (a *agentFile) line(key, value string) string {
	if strings.EqualFold(path.Ext(a.Path), ".json") {
		return code(`"` + key + `": "` + value + `"`)
	}
	return "`" + key + ": " + inline(value) + "`"
}

// rise says how to go on from a version that was refused.
func (j *judgement) rise(a *agentFile) string {
	return j.bump(a, a.next(), " or higher") + "; to have an earlier version back as it was, roll back the change that replaced it"
}

// replaces says what is wrong with the version that a promotion names as replaced.
func (j *judgement) replaces(a *agentFile) (says, fix string) {
	here, was, names := code(a.Path), a.base.version, a.head.replaces
	to := ""
	if j.request != nil && j.request.Rollback != nil {
		to = j.request.Rollback.To
	}
	switch {
	case was == "" && names != "":
		return here + " replaces " + code(names) + ", and it has no version on " + code(j.c.Base.Branch), "leave `replaces` out of " + here + ", a first version"
	case was == "" || names == was:
		return "", ""
	case names != "":
		return here + " replaces " + code(names) + ", and the version on " + code(j.c.Base.Branch) + " is " + code(was), "write " + a.line("replaces", was) + " in " + here
	case to == was:
		return "", ""
	}
	fix = "write " + a.line("replaces", was) + " in " + here
	if j.alone() {
		fix += ", or `rollback.to: " + inline(was) + "` in the change request"
	}
	return here + " does not say which version " + code(a.head.version) + " replaces", fix
}

// alone reports whether a version as rollback.to can only be that of one agent: another
// one may have had the same number.
func (j *judgement) alone() bool { return len(j.c.Manifests) == 1 }

// rose says what was compared.
func (a *agentFile) rose(base string) string {
	s := code(a.Path) + " goes from " + code(a.base.version) + " to " + code(a.head.version)
	if a.base.version == "" {
		s = code(a.Path) + " begins with version " + code(a.head.version)
	}
	if n := len(a.Released); n > 0 {
		s += ", above " + count(n, "version") + " released on " + base
	}
	if a.Cut {
		s += " (the newest; older ones were not read)"
	}
	return s
}

// highest is the version above all that were released, and who says so.
func (a *agentFile) highest() (top *semver.Version, by string) {
	top = a.base.at
	for _, r := range a.Released {
		if v := released(r.Version); v != nil && (top == nil || !v.LessThan(top)) {
			top, by = v, " by commit "+code(short(r.by()))
		}
	}
	return top, by
}

// by is the commit that released a version, as far as it was read.
func (r *Release) by() string { return cmp.Or(r.Since, r.Commit) }

// next is the least version without a prerelease above all that were released.
func (a *agentFile) next() string {
	top, _ := a.highest()
	if top == nil {
		return "1.0.0"
	}
	up := top.IncPatch()
	return up.String()
}

// meant is the version that was written in another form, v3.5 for 3.5.0, where it would do,
// else the next one.
func (a *agentFile) meant() string {
	top, _ := a.highest()
	if v, err := semver.NewVersion(a.head.version); err == nil && (top == nil || v.GreaterThan(top)) {
		return v.String()
	}
	return a.next()
}

// judgeEarlier asks that the way back from a new version of an agent leads to one that
// was released before it. Whether there is such a way is judged before.
func judgeEarlier(j *judgement, g *judged) {
	for _, f := range j.unreleased(g) {
		j.add(f)
	}
}

// unreleased are the findings of agents of which the way back brings no earlier release.
func (j *judgement) unreleased(g *judged) (out []Finding) {
	t := j.c.Target
	if g.Kind != kindVersion || j.request == nil || j.request.Rollback == nil || t == nil || t.Unknown != "" {
		return nil
	}
	touched, _ := j.touched(g)
	for _, a := range touched {
		i := slices.IndexFunc(t.Files, func(r Restored) bool { return r.Path == a.Path })
		if i < 0 || t.Files[i].Wrong != "" || !a.changed || a.head.at == nil || a.head.version == a.base.version {
			continue
		}
		says := a.wrongBack(&t.Files[i])
		if says == "" {
			continue
		}
		f := Finding{Group: g.Name, Rule: RuleRollbackPlan, State: Unmet, Code: CodeNoRelease,
			Says: "rollback.to " + code(j.request.Rollback.To) + " " + says, Fix: j.retarget(false)}
		if a.base.at != nil && j.alone() {
			f.Fix = "write `rollback.to: " + a.base.version + "`, the version before this change"
		}
		if q := j.request; q.path != "" {
			f.Path, f.Line = q.path, q.planLine
		}
		out = append(out, f)
	}
	return out
}

// wrongBack says why what a rollback leaves of a manifest is no earlier release.
func (a *agentFile) wrongBack(r *Restored) string {
	here := code(a.Path)
	back, known := a.back(r)
	isVersion := func(x Release) bool { return x.Version == back }
	switch {
	case !known:
		return "brings back " + here + " as it was, and which version that is was not read"
	case back == "" && a.base.version == "":
		return "" // the agent is new: before it there was none
	case back == "":
		return "brings back no version of " + here
	case back == a.head.version:
		return "brings back version " + code(back) + " of " + here + ", which is the one this change releases"
	case back == a.base.version || slices.ContainsFunc(a.Released, isVersion):
		return ""
	case a.Cut:
		return fmt.Sprintf("brings back version %s of %s, which is none of the newest %d that were released", code(back), here, len(a.Released))
	}
	return "brings back version " + code(back) + " of " + here + ", which was never released"
}

// back is the version that a rollback leaves; known is false when nobody read it.
func (a *agentFile) back(r *Restored) (version string, known bool) {
	if r.Text != nil {
		return readClaim(r.Text).version, true
	}
	if r.Back == (Entry{}) {
		return "", true
	}
	i := slices.IndexFunc(a.Released, func(x Release) bool { return x.Blob == r.Back.Blob })
	if i < 0 {
		return "", false
	}
	return a.Released[i].Version, true
}
