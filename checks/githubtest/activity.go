package githubtest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An activity is one move of a branch as the repository's activity lists it.
type activity struct {
	id                 int64
	by                 *account
	at                 time.Time
	ref, before, after string
	kind               string // push, force_push, branch_creation, branch_deletion or pr_merge
}

// record notes a move of a branch; before is empty when it is made. Tags are not
// listed.
func (r *Repo) record(by *account, ref, before, after, kind string) {
	if !strings.HasPrefix(ref, "refs/heads/") {
		return
	}
	if before == "" {
		before, kind = zeroID, "branch_creation"
	}
	r.activity = append(r.activity, activity{r.s.nextID(), by, r.s.now(), ref, before, after, kind})
}

// activityPeriods are how far back each time_period reaches.
var activityPeriods = map[string]time.Duration{
	"day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "month": 30 * 24 * time.Hour, "quarter": 90 * 24 * time.Hour, "year": 365 * 24 * time.Hour,
}

// listActivity gives the newest first unless asked otherwise, and pages by cursors
// in the Link header: page numbers are not answered.
func listActivity(r *request) (any, error) {
	list := slices.DeleteFunc(slices.Clone(r.repo.activity), func(a activity) bool { return !r.wantsActivity(a) })
	if r.URL.Query().Get("direction") != "asc" {
		slices.Reverse(list)
	}
	return each(r.cursorPage(list), func(a activity) fields {
		return fields{
			"id": a.id, "node_id": nodeID("Push", a.id), "before": a.before, "after": a.after, "ref": a.ref, "timestamp": stamp(a.at),
			"activity_type": a.kind, "actor": r.s.accountOrNull(a.by),
		}
	}), nil
}

func (r *request) wantsActivity(a activity) bool {
	q := r.URL.Query()
	ref, period := q.Get("ref"), activityPeriods[q.Get("time_period")]
	return (ref == "" || ref == a.ref || "refs/heads/"+ref == a.ref) &&
		(q.Get("actor") == "" || !a.by.gone && lower(q.Get("actor")) == lower(a.by.login)) &&
		(q.Get("activity_type") == "" || q.Get("activity_type") == a.kind) &&
		(period == 0 || !a.at.Before(r.s.now().Add(-period)))
}

// cursorPage cuts out what comes after one cursor or before another.
func (r *request) cursorPage(list []activity) []activity {
	q := r.URL.Query()
	place := func(name string) int {
		return slices.IndexFunc(list, func(a activity) bool { return cursor(int(a.id)) == q.Get(name) })
	}
	from, to := 0, len(list)
	if i := place("after"); i >= 0 {
		from = i + 1
	}
	to = min(to, from+r.perPage())
	if i := place("before"); i >= 0 {
		from, to = max(0, i-r.perPage()), i
	}
	r.linkCursors(list, from, to)
	return list[from:to]
}

func (r *request) linkCursors(list []activity, from, to int) {
	var links []string
	add := func(rel, name string, at int) {
		q := r.URL.Query()
		q.Del("before")
		q.Del("after")
		q.Set(name, cursor(int(list[at].id)))
		address := r.s.base + (&url.URL{Path: r.URL.Path, RawQuery: q.Encode()}).String()
		links = append(links, fmt.Sprintf(`<%s>; rel="%s"`, address, rel))
	}
	if to < len(list) && to > from {
		add("next", "after", to-1)
	}
	if from > 0 && to > from {
		add("prev", "before", from)
	}
	r.link = strings.Join(links, ", ")
}
