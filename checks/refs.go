package checks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
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
		Head struct {
			SHA  string `json:"sha"`
			Repo *struct {
				ID int64 `json:"id"`
			} `json:"repo"`
		} `json:"head"`
	} `json:"pull_request"`
	Member struct {
		ID int64 `json:"id"`
	} `json:"member"`
	Membership struct {
		User struct {
			ID int64 `json:"id"`
		} `json:"user"`
	} `json:"membership"`
	Team struct {
		Slug   string `json:"slug"`
		Parent *struct {
			Slug string `json:"slug"`
		} `json:"parent"`
	} `json:"team"`
	Changes struct {
		Name *struct {
			From string `json:"from"`
		} `json:"name"`
		Repository struct {
			Name struct {
				From string `json:"from"`
			} `json:"name"`
		} `json:"repository"`
	} `json:"changes"`
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
	RequestedAction struct {
		Identifier string `json:"identifier"`
	} `json:"requested_action"`
	Issue struct {
		Number      int       `json:"number"`
		PullRequest *struct{} `json:"pull_request"` // only of a pull request
	} `json:"issue"`
	Comment struct {
		Body string `json:"body"`
	} `json:"comment"`
	MergeGroup struct {
		HeadSHA string `json:"head_sha"`
		HeadRef string `json:"head_ref"`
		BaseSHA string `json:"base_sha"`
		BaseRef string `json:"base_ref"`
	} `json:"merge_group"`
	Reason     string `json:"reason"`
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
	"issue_comment":       commentWake,
	"merge_group":         groupWake,
	"check_suite":         actions(func(p *payload) Wake { return Wake{Head: p.CheckSuite.HeadSHA} }, "rerequested"),
	"member":              actions(func(p *payload) Wake { return Wake{Member: p.Member.ID} }, "added", "edited", "removed"),
	"membership":          actions(orgWake, "added", "removed"),
	"organization":        actions(orgWake, "member_added", "member_removed"),
	"team":                teamWakes,
	"repository":          repositoryWakes,
}

// ignored are events an App may get, each with the reason why none of its
// actions changes a verdict in this version.
var ignored = map[string]string{
	"branch_protection_rule":      "the protection of a branch is no fact of a verdict",
	"installation":                "pull requests are judged when they change, or by the next sweep",
	"installation_repositories":   "pull requests are judged when they change, or by the next sweep",
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
	b := Bell{Action: p.Action, Sender: p.sender()}
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
		b.Pushes = p.pushes(event, b.Sender)
	}
	for i := range b.Wakes {
		if b.Wakes[i].Place == (Place{}) {
			b.Wakes[i].Place = p.place()
		}
	}
	return b, nil
}

// pushes returns who moved which branch. Only this says who pushed: the names in a
// commit are what its author wrote there.
func (p *payload) pushes(event string, by rules.Person) []Heard {
	if event == "push" {
		branch, ok := strings.CutPrefix(p.Ref, "refs/heads/")
		ok = ok && !p.Deleted && !strings.HasPrefix(branch, queueBranches)
		return heard(ok, Heard{RepoID: p.Repository.ID, Branch: branch, Push: rules.Push{By: by, Before: p.Before, After: p.After, Forced: p.Forced}})
	}
	pr := &p.PullRequest
	h := Heard{RepoID: p.Repository.ID, Number: pr.Number, Push: rules.Push{By: by, After: pr.Head.SHA}}
	fork := pr.Head.Repo == nil || pr.Head.Repo.ID != p.Repository.ID
	switch {
	case event != "pull_request" || pr.Number <= 0:
		return nil
	case p.Action == "synchronize":
		// It does not say whether history was rewritten. What was there before may be
		// in what is there now, so whoever pushed that counts until a push event says
		// that nothing was.
		h.Before, h.After, h.Forced = p.Before, p.After, true
		return heard(true, h)
	}
	// Of a fork no push event comes. Whoever opens a pull request from their own has
	// at least vouched for what is on it; what was pushed until it is reopened nobody saw.
	return heard(fork && p.Action == "opened", h)
}

// heard is the push, if it is one and says what it must.
func heard(is bool, h Heard) []Heard {
	if !is || h.RepoID == 0 || h.By.ID == 0 || h.After == "" {
		return nil
	}
	return []Heard{h}
}

func (p *payload) sender() rules.Person {
	return rules.Person{ID: p.Sender.ID, Login: p.Sender.Login, Bot: p.Sender.Type == "Bot"}
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
		wide := w.Number == 0 && w.Head == "" && w.Base == ""
		switch {
		case wide && p.Repository.ID == 0 && p.place().OrgID == 0:
			return nil, "the event names no repository and no organisation"
		case !wide && (p.Repository.ID == 0 || w.Number == 0 && w.Head == ""):
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

// orgWake widens an event to the whole organisation: whose membership changed may
// approve anywhere in it, through parent teams too. It concerns the pull requests on
// which that account gave an opinion, or all if the event does not name it.
func orgWake(p *payload) Wake {
	p.widen()
	return Wake{Member: cmp.Or(p.Member.ID, p.Membership.User.ID)}
}

// widen takes the repository out of an event about an organisation.
func (p *payload) widen() {
	p.Organization.ID, p.Organization.Login = p.place().OrgID, p.place().Org
	p.Repository.ID, p.Repository.FullName = 0, ""
	p.Repository.Owner.ID = 0
}

// teamWakes wakes the pull requests whose policy asks for a team, for the one it
// belongs to, whose members are its own as well, or for one by its former name. What
// the team may do in a repository, all its members may: there, and everywhere when
// it is deleted, whoever gave an opinion may have lost or got the right to.
func teamWakes(p *payload) ([]Wake, string) {
	there := Wake{Place: p.place(), Reviewed: true}
	first, ignored := actions(func(p *payload) Wake { p.widen(); return Wake{} },
		"added_to_repository", "created", "deleted", "edited", "removed_from_repository")(p)
	slugs := []string{p.Team.Slug}
	if p.Team.Parent != nil {
		slugs = append(slugs, p.Team.Parent.Slug)
	}
	if p.Changes.Name != nil {
		slugs = append(slugs, slug(p.Changes.Name.From))
	}
	if ignored != "" || p.Team.Slug == "" {
		return first, ignored
	}
	var out []Wake
	for _, s := range slugs {
		if s != "" {
			out = append(out, Wake{Team: strings.ToLower("@" + p.Organization.Login + "/" + s)})
		}
	}
	if there.RepoID != 0 || p.Action == "deleted" {
		out = append(out, there)
	}
	return out, ""
}

var notSlug = regexp.MustCompile(`[^a-z0-9_]+`)

// slug is the name of a team as GitHub writes it in addresses.
func slug(name string) string {
	return strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
}

// pushWake wakes the pull requests into a branch that moved, whose policy may
// have changed, and has the branch's new commits explained.
func pushWake(p *payload) ([]Wake, string) {
	branch, ok := strings.CutPrefix(p.Ref, "refs/heads/")
	switch {
	case !ok:
		return nil, "the push is of no branch"
	case strings.HasPrefix(branch, queueBranches):
		return nil, "GitHub made the branch for its merge queue"
	case p.Repository.ID == 0:
		return nil, "the event names no repository"
	case p.Deleted:
		// GitHub moves the pull requests into it to another branch, and says so to nobody.
		return []Wake{{Branch: branch, Base: p.Repository.Default}}, ""
	}
	wakes := []Wake{{Branch: branch, Base: p.Repository.Default, Pushed: &Push{Before: p.Before, After: p.After, Forced: p.Forced}}}
	if p.After != "" {
		// Of a pull request that was judged at this commit already, who pushed it was
		// not known: the two events of a push come in any order.
		wakes = append(wakes, Wake{Head: p.After})
	}
	if p.floors() && branch == p.Repository.Default {
		wakes = append(wakes, p.everywhere())
	}
	return wakes, ""
}

// floors reports whether the repository is, or was until now, the one with the
// organisation's policy (CONTRACT §1).
func (p *payload) floors() bool {
	_, name, _ := strings.Cut(p.Repository.FullName, "/")
	return strings.EqualFold(name, ".github") || strings.EqualFold(p.Changes.Repository.Name.From, ".github")
}

// everywhere wakes the whole organisation, whose policy may have changed.
func (p *payload) everywhere() Wake {
	all := p.place()
	all.RepoID, all.Repo = 0, ""
	return Wake{Place: all}
}

// repositoryWakes wakes the pull requests of a repository whose name, owner or default
// branch has changed. Where the organisation's policy is, or is no longer, it concerns
// all of them: another default branch has another policy.
func repositoryWakes(p *payload) ([]Wake, string) {
	wakes, ignored := actions(func(*payload) Wake { return Wake{} }, "edited", "renamed", "transferred")(p)
	if p.floors() && p.place().OrgID != 0 && (ignored == "" || p.Action == "deleted" || p.Action == "created") {
		return append(wakes, p.everywhere()), ""
	}
	return wakes, ignored
}

// checkWake wakes the pull requests whose head a check reported on. Our own runs
// are left out, or every verdict would ring for the next; pressing their buttons
// is not.
func checkWake(p *payload) ([]Wake, string) {
	ours := strings.HasPrefix(p.CheckRun.Name, RunPrefix)
	switch {
	case p.CheckRun.HeadSHA == "" || p.Repository.ID == 0:
		return nil, "the event names no commit"
	case p.Action == "completed" && ours:
		return nil, "the check run is ChangeGate's own"
	case p.Action == "completed":
		return []Wake{{Head: p.CheckRun.HeadSHA, Check: p.CheckRun.Name}}, ""
	case ours && p.Action == "rerequested":
		return []Wake{{Head: p.CheckRun.HeadSHA}}, ""
	case ours && p.Action == "requested_action":
		return pressWake(p)
	}
	return nil, "the action changes no verdict"
}
