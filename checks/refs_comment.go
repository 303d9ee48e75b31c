package checks

import "strings"

// mayCommand reports whether a comment has a line that begins like a command. Whether
// it is one a Markdown parser says, once the comment was read from the API.
func mayCommand(body string) bool {
	const begin = "/change"
	return strings.HasPrefix(body, begin) || strings.Contains(body, "\n"+begin) || strings.Contains(body, "\r"+begin)
}

// commentWake wakes the pull request on which somebody gave a command. All other
// comments cost nothing, so that nobody uses up the quota by writing; what is edited
// later gives no command (PRODUCT A7), and bots would answer each other for ever.
func commentWake(p *payload) ([]Wake, string) {
	switch {
	case p.Action != "created":
		return nil, "only a new comment gives a command"
	case p.Issue.PullRequest == nil:
		return nil, "the comment is on no pull request"
	case !mayCommand(p.Comment.Body):
		return nil, "the comment gives no command"
	case p.sender().Bot:
		return nil, "bots give no commands"
	case p.Issue.Number <= 0 || p.Repository.ID == 0:
		return nil, "the event names no pull request that can be looked up"
	}
	return []Wake{{Number: p.Issue.Number}}, ""
}

// pressWake wakes the pull requests whose check shows the button that was pressed.
func pressWake(p *payload) ([]Wake, string) {
	button := p.RequestedAction.Identifier
	if button != PressTemplate && button != PressReevaluate {
		return nil, "the check has no such button"
	}
	return []Wake{{Head: p.CheckRun.HeadSHA, Press: button, By: p.sender()}}, ""
}

// queueBranches begins the name of every branch that GitHub makes for a merge group
// (GitHub, "Managing a merge queue").
const queueBranches = "gh-readonly-queue/"

// groupWake has a merge group judged, or forgotten once it is no more. GitHub merges
// it when every required check of its head has passed.
func groupWake(p *payload) ([]Wake, string) {
	g := &p.MergeGroup
	w := Wake{Head: g.HeadSHA, Branch: strings.TrimPrefix(g.HeadRef, "refs/heads/"), Base: strings.TrimPrefix(g.BaseRef, "refs/heads/"), Queued: &Queued{From: g.BaseSHA}}
	switch {
	case p.Repository.ID == 0 || w.Head == "" || w.Branch == "" || w.Base == "" || g.BaseSHA == "":
		return nil, "the event names no merge group that can be looked up"
	case p.Action == "checks_requested":
		return []Wake{w}, ""
	case p.Action == "destroyed":
		if w.Queued.Gone = p.Reason; w.Queued.Gone == "" {
			w.Queued.Gone = "destroyed" // for a reason that GitHub does not give
		}
		return []Wake{w}, ""
	}
	return nil, "the action changes no verdict"
}
