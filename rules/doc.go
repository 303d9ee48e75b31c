// Package rules decides whether a change to an AI agent's files may go to
// production. It is pure: a Policy and a Change go in, a Verdict comes out. It
// knows no clock, no network, no file and no error: whatever is wrong with its
// input is itself a finding with a code, a place and a fix.
//
// Because Decide is pure, the server, `changegate check`, the backtest and the
// auditor's re-performance are the same call.
//
// Reading order: change.go (the facts), verdict.go (the outcome), policyfile.go and
// request.go (the two files people write, one strict parser each, on yaml.go and
// fields.go), decide.go (the table of rules), then one file a rule: policyrule.go,
// contributors.go, approvals.go with matching.go, ownersrule.go with owners.go and
// ownermatch.go, plan.go, dates.go, freeze.go, checkrule.go. command.go reads slash
// commands and admit.go says what they come to (admitted.go), with schedule.go, hold.go
// and breakglass.go; exception.go is what is kept of them, except.go what it waives.
// title.go and words.go are what people read.
package rules
