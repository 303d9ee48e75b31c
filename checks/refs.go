package checks

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"changegate/rules"
)

// A Bell is what a webhook asks for: which pull requests to look at, or why none.
type Bell struct {
	Action  string
	Wakes   []Wake
	Ignored string // the reason, when there are no wakes
	Sender  rules.Person
	Pushes  []Heard
}

// A Heard is a push that a webhook told of: to a branch of the repository, or, by
// number, to the head of a pull request. Who made it is what GitHub authenticated,
// which no commit says.
type Heard struct {
	RepoID int64
	Branch string
	Number int
	rules.Push
}

// payload is as much of a webhook as is needed to say which pull requests it
// concerns. Facts are never taken from it: it may be old, and a redelivery is.
type payload struct {
	Action       string `json:"action"`
	Installation struct {
		ID int64 `json:"id"`
	} `json:"installation"`
	Organization struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
	} `json:"organization"`
	Repository struct {
		ID       int64  `json:"id"`
		FullName string `json:"full_name"`
		Default  string `json:"default_branch"`
		Owner    struct {
			ID    int64  `json:"id"`
			Login string `json:"login"`
		} `json:"owner"`
	} `json:"repository"`
	Sender struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
		Type  string `json:"type"`
	} `json:"sender"`
	PullRequest struct {
		Number int `json:"number"`
		Base   struct {
			Ref string `json:"ref"`
		} `json:"base"`
	} `json:"pull_request"`
	Ref     string `json:"ref"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Created bool   `json:"created"`
	Deleted bool   `json:"deleted"`
	Forced  bool   `json:"forced"`

	CheckRun struct {
		Name    string `json:"name"`
		HeadSHA string `json:"head_sha"`
	} `json:"check_run"`
	CheckSuite struct {
		HeadSHA string `json:"head_sha"`
	} `json:"check_suite"`
}

// ring maps one kind of event: a reason to ignore it, or the wakes it makes.
type ring func(*payload) (wakes []Wake, ignored string)

// rings is every event that can change a verdict. All others are ignored.
var rings = map[string]ring{
	"pull_request": actions(pullWake, "assigned", "closed", "converted_to_draft", "edited", "opened", "ready_for_review",
		"reopened", "synchronize", "unassigned"),
	"pull_request_review": actions(pullWake, "dismissed", "submitted"),
	"push":                pushWake,
	"check_run":           checkWake,
	"check_suite":         actions(func(p *payload) Wake { return Wake{Head: p.CheckSuite.HeadSHA} }, "rerequested"),
	"member":              actions(repoWake, "added", "edited", "removed"),
	"membership":          actions(orgWake, "added", "removed"),
	"organization":        actions(orgWake, "member_added", "member_removed"),
	"team":                actions(orgWake, "added_to_repository", "created", "deleted", "edited", "removed_from_repository"),
	"repository":          actions(repoWake, "edited", "renamed", "transferred"),
}

// ignored are events an App may get, each with the reason why none of its
// actions changes a verdict in this version.
var ignored = map[string]string{
	"branch_protection_rule":      "the protection of a branch is no fact of a verdict",
	"installation":                "pull requests are judged when they change, or by the next sweep",
	"installation_repositories":   "pull requests are judged when they change, or by the next sweep",
	"issue_comment":               "comments approve nothing",
	"merge_group":                 "merge groups are not answered in this version",
	"ping":                        "nothing to do: the webhook works",
	"pull_request_review_comment": "comments approve nothing",
	"pull_request_review_thread":  "threads approve nothing",
	"repository_ruleset":          "rulesets are no fact of a verdict",
	"status":                      "a status can be set by anybody with write access; only check runs count",
}

// Events returns the events that are acted upon: those to subscribe to.
func Events() []string {
	var all []string
	for name := range rings {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

// Refs says which pull requests an event concerns. It is total: any JSON object
// gives wakes or a reason, anything else an error.
func Refs(event string, body []byte) (Bell, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return Bell{}, fmt.Errorf("read %.40q payload: %w", event, err)
	}
	b := Bell{Action: p.Action, Sender: rules.Person{ID: p.Sender.ID, Login: p.Sender.Login, Bot: p.Sender.Type == "Bot"}}
	ring, known := rings[event]
	switch {
	case !known && ignored[event] != "":
		b.Ignored = ignored[event]
	case !known:
		b.Ignored = "no verdict depends on this event"
	case p.Installation.ID == 0:
		b.Ignored = "the event is of no installation of the App"
	default:
		b.Wakes, b.Ignored = ring(&p)
	}
	for i := range b.Wakes {
		b.Wakes[i].Place = p.place()
	}
	return b, nil
}

func (p *payload) place() Place {
	place := Place{
		Installation: p.Installation.ID, OrgID: p.Repository.Owner.ID, Org: p.Repository.Owner.Login,
		RepoID: p.Repository.ID, Repo: p.Repository.FullName,
	}
	if place.OrgID == 0 {
		place.OrgID, place.Org = p.Organization.ID, p.Organization.Login
	}
	return place
}

// actions makes a ring of the named actions of an event. The wake must name what
// can be looked up: a repository, or an organisation where that is all it needs.
func actions(wake func(*payload) Wake, names ...string) ring {
	return func(p *payload) ([]Wake, string) {
		if !has(names, p.Action) {
			return nil, "the action changes no verdict"
		}
		w := wake(p)
		switch {
		case w == (Wake{}) && p.Repository.ID == 0 && p.place().OrgID == 0:
			return nil, "the event names no repository and no organisation"
		case w != (Wake{}) && (p.Repository.ID == 0 || w.Number == 0 && w.Head == ""):
			return nil, "the event names no pull request that can be looked up"
		}
		return []Wake{w}, ""
	}
}

func pullWake(p *payload) Wake {
	if p.PullRequest.Number <= 0 {
		return Wake{Base: "?"} // refused by actions
	}
	return Wake{Number: p.PullRequest.Number, Base: p.PullRequest.Base.Ref}
}

func repoWake(*payload) Wake { return Wake{} }

// orgWake widens an event to the whole organisation: whose membership changed may
// approve anywhere in it.
func orgWake(p *payload) Wake {
	p.Organization.ID, p.Organization.Login = p.place().OrgID, p.place().Org
	p.Repository.ID, p.Repository.FullName = 0, ""
	p.Repository.Owner.ID = 0
	return Wake{}
}

// pushWake wakes the pull requests into a branch that moved, whose policy may
// have changed, and has the branch's new commits explained.
func pushWake(p *payload) ([]Wake, string) {
	branch, ok := strings.CutPrefix(p.Ref, "refs/heads/")
	switch {
	case !ok:
		return nil, "the push is of no branch"
	case p.Repository.ID == 0:
		return nil, "the event names no repository"
	case p.Deleted:
		// GitHub moves the pull requests into it to another branch, and says so to nobody.
		return []Wake{{Branch: branch, Base: p.Repository.Default}}, ""
	}
	push := &Push{Before: p.Before, After: p.After, Forced: p.Forced}
	return []Wake{{Branch: branch, Base: p.Repository.Default, Pushed: push}}, ""
}

// checkWake wakes the pull requests whose head a check reported on. Our own runs
// are left out, or every verdict would ring for the next; pressing their buttons
// is not.
func checkWake(p *payload) ([]Wake, string) {
	ours := strings.HasPrefix(p.CheckRun.Name, "changegate: ")
	switch {
	case p.CheckRun.HeadSHA == "" || p.Repository.ID == 0:
		return nil, "the event names no commit"
	case p.Action == "completed" && ours:
		return nil, "the check run is ChangeGate's own"
	case p.Action == "completed" || ours && (p.Action == "rerequested" || p.Action == "requested_action"):
		return []Wake{{Head: p.CheckRun.HeadSHA}}, ""
	}
	return nil, "the action changes no verdict"
}
