package githubtest

import (
	"fmt"
	"slices"
)

// Requested are whom a review is asked of: logins, and teams as org/slug, in the
// order of asking. Who reviews is asked no more.
func (p *Pull) Requested() []string {
	return see(p.r.s, func() (list []string) {
		for _, a := range p.asked {
			list = append(list, a.shown())
		}
		for _, t := range p.askedTeams {
			list = append(list, t.name())
		}
		return list
	})
}

// AskReview asks people, and teams named org/slug, for a review.
func (p *Pull) AskReview(by string, who ...string) {
	p.r.s.tell(func() {
		people, teams, why := p.reviewers(who)
		if why != "" {
			panic("githubtest: " + why)
		}
		p.ask(p.r.s.account(by), people, teams)
	})
}

// reviewers finds whom to ask, and says what GitHub finds wrong with one; then
// nobody is asked.
func (p *Pull) reviewers(names []string) (people []*account, teams []*team, why string) {
	const nobody = "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the %s repository."
	for _, name := range names {
		a, t := p.r.s.accounts[lower(name)], p.r.s.teams[lower(name)]
		switch {
		case t != nil && p.r.teamRoles[t] != "":
			teams = append(teams, t)
		case a != nil && a == p.author:
			return nil, nil, "Review cannot be requested from pull request author."
		case a != nil && a.kind == "User" && p.r.granted(a) != "none":
			people = append(people, a)
		default:
			return nil, nil, fmt.Sprintf(nobody, p.r.fullName())
		}
	}
	return people, teams, ""
}

// ask requests the reviews that are not requested yet, each told of on its own.
func (p *Pull) ask(by *account, people []*account, teams []*team) {
	for _, a := range people {
		if !slices.Contains(p.asked, a) {
			p.asked = append(p.asked, a)
			p.touch()
			p.emit("review_requested", by, fields{"requested_reviewer": p.r.s.renderAccount(a)})
		}
	}
	for _, t := range teams {
		if !slices.Contains(p.askedTeams, t) {
			p.askedTeams = append(p.askedTeams, t)
			p.touch()
			p.emit("review_requested", by, fields{"requested_team": p.r.s.renderTeam(t)})
		}
	}
}

// reviewed takes somebody off those asked.
func (p *Pull) reviewed(by *account) {
	p.asked = slices.DeleteFunc(p.asked, func(a *account) bool { return a == by })
}

func postReviewers(r *request) (any, error) {
	p, err := r.pull()
	if err != nil {
		return nil, err
	}
	var q struct {
		Reviewers     []string
		TeamReviewers []string `json:"team_reviewers"`
	}
	if err := r.read(&q); err != nil {
		return nil, err
	}
	who := q.Reviewers
	for _, slug := range q.TeamReviewers {
		who = append(who, r.repo.owner.login+"/"+slug)
	}
	people, teams, why := p.reviewers(who)
	if why != "" {
		return nil, failure{422, why}
	}
	p.ask(r.s.app.bot, people, teams)
	return answer{201, r.s.renderPullSimple(p), nil}, nil
}

func listReviewers(r *request) (any, error) {
	p, err := r.pull()
	if err != nil {
		return nil, err
	}
	return fields{"users": each(p.asked, r.s.renderAccount), "teams": each(p.askedTeams, r.s.renderTeam)}, nil
}
