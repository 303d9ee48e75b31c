package rules

import (
	"slices"
	"strings"
	"time"
)

// Admit says what a command comes to (PRODUCT A7): who gave it is judged by the roles
// held now, and what it asks by the facts as they are. It is pure and total. Policy is
// the one that judges the change (Load); what is admitted becomes a fact of the change
// (Apply), by which Decide judges from then on.
func (p *Policy) Admit(c *Change, cmd Command, by Speaker, now time.Time) Admitted {
	a := p.admission(c, by, now)
	a.cmd = cmd
	switch {
	case cmd.Wrong != "":
		return refused(cmd.Wrong, cmd.Fix)
	case by.ID == 0:
		return refused("the account that wrote this was deleted", "have somebody whose account exists write it")
	case by.Bot:
		return refused(a.login()+" is a bot, and bots give no commands", "have a person write it")
	}
	switch cmd.Name {
	case "help", "status":
		return Admitted{}
	case "ack":
		return a.review()
	case "rollback":
		return a.rollback()
	}
	if c.State != "open" {
		return refused("this pull request is "+inline(c.State)+", so there is nothing left to decide", "use `help`, `status`, `ack` or `rollback` here; for the others open another pull request")
	}
	return a.open()
}

// open admits the commands that an open pull request takes.
func (a *admission) open() Admitted {
	switch a.cmd.Name {
	case "recheck":
		return Admitted{}
	case "schedule":
		return a.schedule()
	case "request-review":
		return a.requestReview()
	case "hold":
		return a.hold()
	case "unhold":
		return a.unhold()
	case "waive":
		return a.waive()
	case "break-glass":
		return a.breakGlass()
	}
	return refused(code("/change "+a.cmd.Name)+" is not a command", code("/change help")+" lists the commands")
}

// May says which commands the speaker's roles allow, by name: what `/change help`
// marks. Whether a command makes sense at the moment is Admit's to say.
func (p *Policy) May(c *Change, by Speaker, now time.Time) map[string]bool {
	a := p.admission(c, by, now)
	human := by.human()
	glass := human && !a.contributed(by.Person) && p.BreakGlass != nil
	reviews := human && !a.contributed(by.Person) && a.named(a.reviewers()) != ""
	lifts := slices.ContainsFunc(c.Holds, a.lifts)
	return map[string]bool{
		"help": human, "status": human, "recheck": human,
		"schedule":       human && (a.answers() || a.has("maintain")),
		"request-review": human && (a.answers() || a.has("write")),
		"hold":           human && !by.same(c.Author) && a.named(a.approvers()) != "",
		"unhold":         human && (lifts || !a.contributed(by.Person) && a.named(a.approvers()) != ""),
		"waive":          glass && reviews,
		"break-glass":    glass && a.named(p.BreakGlass.Who) != "",
		"ack":            reviews,
		"rollback":       human && a.mayRollBack(),
	}
}

// Reviewers are who reviews exceptions of the change afterwards and waives its
// freezes: teams as @org/slug, logins and permissions.
func (p *Policy) Reviewers(c *Change) []string {
	return p.admission(c, Speaker{}, time.Time{}).reviewers()
}

// An admission is one command, by somebody, about a change as it is now.
type admission struct {
	*judgement
	cmd Command
	by  Speaker
	at  time.Time // when it was given; never after now

	meant map[string]int64 // whom logins of the policy name
}

func (p *Policy) admission(c *Change, by Speaker, now time.Time) *admission {
	a := &admission{judgement: p.judge(c, now), by: by, at: by.At, meant: whose(slices.Concat(c.Accounts, by.Accounts))}
	if a.at.IsZero() || a.at.After(now) {
		a.at = now // the clock was read in whole seconds, before the comments were
	}
	return a
}

func refused(wrong, fix string) Admitted { return Admitted{Wrong: wrong, Fix: fix} }

func (a *admission) login() string { return code(a.by.Login) }

func (a *admission) has(permission string) bool { return rank(a.by.Permission) >= rank(permission) }

// answers reports whether the speaker answers for the change: its author, or for an
// agent's whoever it acted for.
func (a *admission) answers() bool {
	if !a.c.Author.Bot {
		return a.by.same(a.c.Author)
	}
	for _, p := range append(slices.Concat(a.c.Assignees, a.c.Initiators), requestedBy(a.c, a.request)) {
		if a.by.same(p) {
			return true
		}
	}
	return false
}

// named is through which of some sources the policy means the speaker; empty if
// through none. The rule is the one by which a review counts.
func (a *admission) named(from []string) string {
	w := &Review{By: a.by.Person, Permission: a.by.Permission, Teams: a.by.Teams}
	for _, f := range from {
		e := entry{Approval: Approval{From: []string{f}}, accounts: a.meant, owners: a.everyOwner()}
		if e.names(w) {
			return f
		}
	}
	return ""
}

// everyOwner is who owns a governed file of the change.
func (j *judgement) everyOwner() []string {
	var all []string
	for i := range j.groups {
		if o := j.groups[i].owned; o != nil {
			all = append(all, o.everybody()...)
		}
	}
	return all
}

// approvers are what the approvals rules of the touched groups name; of a change that
// touches none any more, those of every group: its exceptions are still to be reviewed.
func (j *judgement) approvers() []string {
	var all []string
	for i := range j.groups {
		all = append(all, sources(j.groups[i].Approvals)...)
	}
	for i := range j.judged {
		if len(j.groups) == 0 {
			all = append(all, sources(j.judged[i].Approvals)...)
		}
	}
	return distinct(all)
}

// reviewers are who reviews exceptions afterwards (CONTRACT §2).
func (j *judgement) reviewers() []string {
	if j.BreakGlass != nil && len(j.BreakGlass.Reviewers) > 0 {
		return j.BreakGlass.Reviewers
	}
	return j.approvers()
}

// contributor refuses whoever had a hand in the change (separation of duties).
func (a *admission) contributor(from []string) (wrong, fix string) {
	fix = "ask " + whom(from) + "; nobody who contributed counts"
	switch {
	case a.by.same(a.c.Author):
		return a.login() + " is the author of this change", fix
	case a.contributed(a.by.Person):
		return a.login() + " contributed to this change", fix
	}
	return "", ""
}

// outsider refuses whoever the policy does not name; where says what of it would
// have to.
func (a *admission) outsider(from []string, may, where string) Admitted {
	wrong := a.login() + " may not " + may + ", which is for " + whom(from)
	if id, known := a.meant[strings.ToLower(a.by.Login)]; known && id != a.by.ID {
		wrong += "; the login named another account when the policy was first read"
	}
	return refused(wrong, "ask one of them who did not contribute, or have "+where+" in "+code(PolicyPath)+" name more people")
}
